"""Its presence puts `tests` on the import path: `import clips`, `import tolerances`."""
