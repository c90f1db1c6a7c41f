// Sums and maxima of rows (beside lib/grid.wgsl). A workgroup holds ROWS rows and LANES invocations
// for each of them; lane l takes the cells l, l + LANES, ... of its row, and the lanes' results
// meet in a tree. With one lane there is no tree, no barrier and no shared memory in use. LANES is
// a power of two, and LANES * ROWS at most 256.

override LANES: u32 = 1;
override ROWS: u32 = 64;

var<workgroup> meeting: array<f32, 256>;

// Where an invocation stands.
struct Place {
    row: u32,
    lane: u32,
    seat: u32, // in the workgroup
}

// For a dispatch of grid_1d(rows, ROWS) with workgroups of (LANES, ROWS).
fn place(at: Invocation) -> Place {
    return Place(flat_group(at) * ROWS + at.local / LANES, at.local % LANES, at.local);
}

// A sum in blocks: its error grows with the root of the count of blocks, not with the count.
struct Sum {
    whole: f32,
    block: f32,
    count: u32,
}

fn add_to(sum: ptr<function, Sum>, x: f32) {
    (*sum).block += x;
    (*sum).count += 1u;
    if ((*sum).count == 32u) {
        (*sum).whole += (*sum).block;
        (*sum).block = 0.0;
        (*sum).count = 0u;
    }
}

// Sum over the lanes of a row. Every invocation of the workgroup calls it.
fn row_total(p: Place, sum: Sum) -> f32 {
    var total = sum.whole + sum.block;
    if (LANES > 1u) {
        workgroupBarrier(); // whoever still reads the result before
        meeting[p.seat] = total;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (p.lane < half) {
                meeting[p.seat] += meeting[p.seat + half];
            }
        }
        workgroupBarrier();
        total = meeting[p.seat - p.lane];
    }
    return total;
}

// Largest over the lanes of a row; a NaN may hide, as whoever subtracts the maximum meets it again.
fn row_largest(p: Place, most: f32) -> f32 {
    var largest = most;
    if (LANES > 1u) {
        workgroupBarrier();
        meeting[p.seat] = largest;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (p.lane < half) {
                meeting[p.seat] = larger(meeting[p.seat], meeting[p.seat + half]);
            }
        }
        workgroupBarrier();
        largest = meeting[p.seat - p.lane];
    }
    return largest;
}

fn larger(a: f32, b: f32) -> f32 { return select(a, b, b > a); }

// Below every finite number's successor: where a maximum starts.
const LOWEST: f32 = -3.40282346e38;
