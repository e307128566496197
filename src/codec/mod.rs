//! Files, commits and foreign formats: bytes to values and back.
