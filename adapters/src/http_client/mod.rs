//! `http_client`
