"""The ground floor: nouns, errors, array checks, specs and chance. Imports numpy and pydantic."""
