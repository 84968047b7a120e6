//! The table of DESIGN §4: what each kind of credential may publish and listen to.
