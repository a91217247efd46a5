"""Grain: is the flat ground of the picture flat?"""
