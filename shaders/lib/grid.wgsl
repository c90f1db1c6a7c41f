// Which cells an invocation works on, in a dispatch of grid_1d(cells, SIZE): `first_cell`, and from
// there on in steps of `all_cells`, so that any number of workgroups covers any number of cells
// and neighbours read neighbouring memory.

const SIZE = 64u;

struct Invocation {
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
}

fn flat_group(at: Invocation) -> u32 { return at.group.y * at.groups.x + at.group.x; }

fn first_cell(at: Invocation) -> u32 { return flat_group(at) * SIZE + at.local; }

fn all_cells(at: Invocation) -> u32 { return at.groups.x * at.groups.y * SIZE; }
