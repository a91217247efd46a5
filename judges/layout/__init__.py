"""The layout judge: is everything where it should be, and apart from the rest?"""
