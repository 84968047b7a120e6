//! `sql`
