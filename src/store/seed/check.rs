//! Check: rules that everything named in a seed follows.

/// Checks a name by the rules of the API.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let letters = name.trim().chars().count();
    if letters == 0 || letters > 100 || name.chars().any(char::is_control) {
        return Err("a name has 1 to 100 letters and no control characters".into());
    }
    Ok(())
}
