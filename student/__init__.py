"""Generators (diffusers pipelines, HTTP endpoints, folders of images), the mini models, and the training recipes."""
