//! Whole flows against a running Relais.
