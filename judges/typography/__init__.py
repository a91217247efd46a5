"""The typography judge: is the text of the picture the text that was asked for?"""
