//! Relais

pub mod settings;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(feature = "cli")]
pub mod connect;
#[cfg(feature = "cli")]
pub mod exit;
#[cfg(feature = "cli")]
pub mod profile;
#[cfg(feature = "cli")]
pub mod services;

pub use settings::Settings;
