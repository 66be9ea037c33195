//! The page in the older text format, for whoever does not ask for OpenMetrics: curl, `promtool check metrics`, agents.
//!
//! The two differ, as far as our metrics go, in the headers alone: there a counter's and an info's name has its suffix, an
//! info is a gauge, and no line says where the page ends.

use std::collections::HashMap;
use std::fmt::Write;

/// The media type of [`plain`]'s text.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The OpenMetrics page as plain text.
pub fn plain(page: &str) -> String {
    let kinds = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let kinds: HashMap<&str, &str> = kinds.collect();
    let mut text = String::with_capacity(page.len() + 16 * kinds.len());
    for line in page.lines().filter(|line| *line != "# EOF") {
        let header = ["# HELP ", "# TYPE "].into_iter().find(|h| line.starts_with(h));
        let told = header.and_then(|header| Some((header, line[header.len()..].split_once(' ')?)));
        // Writing to a String does not fail.
        let _ = match told {
            Some((header, (name, rest))) => {
                let (suffix, kind) = match kinds.get(name) {
                    Some(&"counter") => ("_total", "counter"),
                    Some(&"info") => ("_info", "gauge"),
                    Some(kind) => ("", *kind),
                    None => ("", rest),
                };
                let rest = if header == "# TYPE " { kind } else { rest };
                writeln!(text, "{header}{name}{suffix} {rest}")
            }
            None => writeln!(text, "{line}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_the_names_of_their_samples() {
        let page = "# HELP a_build The version.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                    # HELP a_writes Writes, TYPE included.\n# TYPE a_writes counter\na_writes_total{outcome=\"x y\"} 2\n\
                    # HELP a_load Load.\n# TYPE a_load gauge\na_load 1.5\n# EOF\n";
        let expected = "# HELP a_build_info The version.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                        # HELP a_writes_total Writes, TYPE included.\n# TYPE a_writes_total counter\na_writes_total{outcome=\"x y\"} 2\n\
                        # HELP a_load Load.\n# TYPE a_load gauge\na_load 1.5\n";
        assert_eq!(plain(page), expected);
    }
}
