"""MLflow: where people look. A projection of the study, which it never feeds back into."""
