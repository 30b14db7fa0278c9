//! A dialogue on a page: commands behind `$ `, and what they say.

/// One command and the lines that follow it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) command: String,
    pub(crate) says: Vec<String>,
}

/// The turns; a command goes on in the next line after `\`.
pub(crate) fn turns(text: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        match (turns.last_mut(), line.strip_prefix("$ ")) {
            (Some(turn), _) if goes_on => {
                turn.command.push('\n');
                turn.command.push_str(line);
            }
            (_, Some(command)) => {
                turns.push(Turn { command: command.to_owned(), says: Vec::new() });
            }
            (Some(turn), None) => turn.says.push(line.to_owned()),
            (None, None) => panic!("a dialogue begins with `$ `: {line}"),
        }
        let command = turns.last().map(|turn| &turn.command);
        goes_on = line.ends_with('\\') && command.is_some_and(|command| command.ends_with(line));
        goes_on |= line.starts_with("$ ") && line.ends_with('\\');
    }
    turns
}

/// Only the commands.
pub(crate) fn script(text: &str) -> String {
    turns(text).into_iter().map(|turn| turn.command + "\n").collect()
}

/// Whether what was said is what the page says: `…` is any part of a line, alone it is any lines. The
/// clock in front of a line does not count.
pub(crate) fn agrees(page: &[String], said: &[String]) -> bool {
    match (page.split_first(), said.split_first()) {
        (None, None) => true,
        (Some((expected, rest)), _) if expected.trim() == "…" => {
            agrees(rest, said) || said.split_first().is_some_and(|(_, said)| agrees(page, said))
        }
        (Some((expected, page)), Some((line, said))) => {
            line_agrees(expected, without_clock(line)) && agrees(page, said)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn without_clock(line: &str) -> &str {
    let clock = line.get(..8).is_some_and(|clock| {
        clock.bytes().enumerate().all(|(place, byte)| match place {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
    });
    if clock { line[8..].trim_start() } else { line }
}

fn line_agrees(expected: &str, line: &str) -> bool {
    let parts: Vec<&str> = expected.trim_end().split('…').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return expected.trim_end() == line };
    let Some(mut rest) = line.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[test]
fn a_dialogue_is_read() {
    let read = turns("$ a \\\n  b\nsays\n$ echo $?\n0\n");
    let turn = |command: &str, says: &[&str]| Turn {
        command: command.to_owned(),
        says: says.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(read, [turn("a \\\n  b", &["says"]), turn("echo $?", &["0"])]);
}

#[test]
fn what_is_said_is_compared() {
    let table = [
        ("a…d\n…\nend", "abcd\nx\ny\nend", true),
        ("…\nend", "end", true),
        ("a b", "12:00:01  a b", true),
        ("waited … ms of …", "waited 5 ms of 6", true),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
        ("a…b", "ab", true),
        ("ab…b", "ab", false),
        ("…x", "y", false),
    ];
    for (page, said, expected) in table {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(agrees(&lines(page), &lines(said)), expected, "{page:?} {said:?}");
    }
}
