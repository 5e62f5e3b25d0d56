"""Durable multi-objective hyperparameter searches over variational autoencoders."""
