"""A recipe's runs: expanded, trained one after another, recorded."""
