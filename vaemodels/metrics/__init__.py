"""Sample-quality metrics: arrays in, floats out; they know no model and no search."""
