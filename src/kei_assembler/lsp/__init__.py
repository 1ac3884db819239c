"""`assemble lsp`: a language server for editors (Language Server Protocol 3.17).

Each request and each check works on a snapshot of the open documents, and reads everything else from the disk, so that
no state has to be kept up to date. Only this package imports pygls.
"""
