//! Relais
