use super::*;

#[test]
fn the_embedded_copy_is_valid() {
    let catalog = Catalog::open(None).unwrap_or_else(|error| panic!("{error}"));
    println!("{:?}", catalog.columns.keys().collect::<Vec<_>>());
    println!("{:x}", catalog.fingerprint);
}
