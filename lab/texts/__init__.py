"""The texts that the general models read: a folder of plain files that is not part of the repository."""
