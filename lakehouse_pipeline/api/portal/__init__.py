"""The portal: pages for people who deliver files and read what became of them.

Rendered here, with one script and one style sheet beside them; they work without the script for
reading. What the script does it does with the calls of the API, so their rules hold for it.
"""
