//! Tells cargo which folders are built into the binary, so that a new file in one of them is
//! noticed.

fn main() {
    for folder in ["migrations", "assets/art", "assets/seed"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    // Debug builds read the client at run time; naming a folder that may be missing would rebuild
    // them each time.
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=web/dist");
    }
}
