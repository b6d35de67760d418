"""Everything in which a film's answer is taken away: tables, pictures, pages, text.

Of a DICOM file's header nothing is taken along that was not asked for by name.
"""
