//! A new build of the web page is a new build of the program, which holds it.

fn main() {
    println!("cargo::rerun-if-changed=frontend/dist");
}
