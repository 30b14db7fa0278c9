//! Owns who descends from us, in whatever group or session, and from which ports they speak to the
//! database. From /proc; where there is none nobody is seen.

use rustix::process::{Pid, WaitOptions, getpid, waitpid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The living who descend from us.
pub(super) fn descendants() -> BTreeSet<i32> {
    family().into_iter().filter(|(_, process)| !process.ended).map(|(pid, _)| pid).collect()
}

/// Takes those who have ended and were left to us. Not while the end of a child of our own is waited
/// for: it is among them.
pub(super) fn take_orphans() {
    let us = getpid().as_raw_nonzero().get();
    let ended = family().into_iter().filter(|(_, process)| process.ended && process.parent == us);
    for pid in ended.filter_map(|(pid, _)| Pid::from_raw(pid)) {
        let _taken = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

fn family() -> BTreeMap<i32, Process> {
    let mut processes = all();
    let mut found = BTreeSet::new();
    let us = getpid().as_raw_nonzero().get();
    let mut parents = vec![us];
    while let Some(parent) = parents.pop() {
        for (pid, _) in processes.iter().filter(|(_, process)| process.parent == parent) {
            if found.insert(*pid) {
                parents.push(*pid);
            }
        }
    }
    processes.retain(|pid, _| found.contains(pid));
    processes
}

/// The local ports of their TCP connections to a port.
pub(super) fn ports_to(port: u16, processes: &BTreeSet<i32>) -> BTreeSet<i32> {
    let sockets: BTreeSet<u64> = processes.iter().flat_map(|pid| sockets(*pid)).collect();
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .iter()
        .flat_map(|path| connections(&fs::read_to_string(path).unwrap_or_default()))
        .filter(|connection| connection.to == port && sockets.contains(&connection.socket))
        .map(|connection| i32::from(connection.from))
        .collect()
}

struct Process {
    parent: i32,
    ended: bool,
}

fn all() -> BTreeMap<i32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let known = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, process(&stat)?))
    };
    pids.filter_map(known).collect()
}

/// proc(5): the name in parentheses may hold anything; the state and the parent follow.
fn process(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let ended = matches!(fields.next()?, "Z" | "X");
    Some(Process { parent: fields.next()?.parse().ok()?, ended })
}

fn sockets(pid: i32) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let link = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    entries.flatten().filter_map(link).collect()
}

struct Connection {
    from: u16,
    to: u16,
    socket: u64,
}

/// proc(5), `/proc/net/tcp`: local and remote address as hexadecimal numbers, the inode in the tenth
/// column.
fn connections(table: &str) -> Vec<Connection> {
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Some(Connection {
            from: port(fields.get(1)?)?,
            to: port(fields.get(2)?)?,
            socket: fields.get(9)?.parse().ok()?,
        })
    };
    table.lines().skip(1).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_kernel_are_read() {
        let parent = |stat: &str| process(stat).map(|process| (process.parent, process.ended));
        assert_eq!(parent("7 (a) b) S 3 7 7 0"), Some((3, false)));
        assert_eq!(parent("7 (x) Z 1 7"), Some((1, true)));
        assert_eq!(parent(""), None);
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:A0C2 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 87654 1 0\n   \
                     1: nonsense\n";
        let found = connections(table);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].to, found[0].socket), (0xa0c2, 5432, 87654));
    }
}
