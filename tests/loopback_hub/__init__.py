"""The tests' Hub: a small server on 127.0.0.1 that speaks the Hub's protocol to its real clients."""
