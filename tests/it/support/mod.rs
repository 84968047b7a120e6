//! Real servers as children, each on ports and folders of its own, ended with the test.

mod broker;
mod caller;
mod canary;
mod certificates;
mod http;
mod mailbox;
mod mariadb;
mod postgres;
mod program;
mod raw;
mod smtp;
mod sql_server;
mod tools;
mod up;
mod verdict;

pub(crate) use broker::Broker;
pub(crate) use caller::Caller;
pub(crate) use canary::{Canaries, files};
pub(crate) use certificates::{Authority, ask, certificate_in, shown};
pub(crate) use http::http;
pub(crate) use mailbox::{caught, code_in};
pub(crate) use program::{Program, service_creds};
pub(crate) use raw::{Raw, odd_messages};
pub(crate) use smtp::{Certificates, Door, Smtp};
pub(crate) use sql_server::{SQL_PASSWORD, SqlKind, SqlServer};
pub(crate) use tools::{asyncapi, node_modules, python, tool};
pub(crate) use up::{Lines, PASSWORD, Ran, Up, User, World, run, signal};
pub(crate) use verdict::Verdict;
