"""Batches → a fine-tuned model, by the Hugging Face Trainer."""
