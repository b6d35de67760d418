"""One view-model a page: state, rules and signals, no widgets."""
