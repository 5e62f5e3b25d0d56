"""The one place where the search meets `vaemodels`."""
