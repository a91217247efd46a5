"""The edit judge: did an edit change what it should, and nothing else?"""
