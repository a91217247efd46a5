"""The grain judge: is the flat ground of the picture flat?"""
