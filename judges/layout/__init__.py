"""Layout: does everything stand where it should, and apart from the rest?"""
