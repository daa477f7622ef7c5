"""The Hugging Face Hub: can it be asked, what goes up, and does what came down give the same logits?"""
