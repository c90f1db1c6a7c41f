// needs: product

// Matrix products (lib/product.wgsl) for adapters that compute on a CPU: register blocks only.
//
// A workgroup of LANES invocations makes ROWS rows by LANES x 4 QUADS columns; an invocation has
// every LANES-th of them, so that neighbours read neighbouring memory of b, and all read the
// same of a.
//
// Such an adapter runs 4 or 8 invocations as the lanes of one CPU vector. A load costs it about as
// much as 25 multiply-adds, most of that checks, whether all lanes read one number, a run or
// scattered ones; a barrier costs far more, and WGSL's own vectors gain nothing. So the block is as
// large as the matrices allow: at 16 rows and 16 columns 32 loads serve 256 multiply-adds, 4 FLOP
// a byte that is loaded (6.4 a byte of memory, as the workgroup shares a), and loads are the bound
// still. Long
// products go in steps of FOUR_DEPTHS, so that a sum is written once for four terms; short ones do
// without, as that code takes long to compile. Workgroup memory: none. The 256 sums an
// invocation would leave a GPU no occupancy: for hardware there is product_tiled.wgsl.

override ROWS: u32 = 16; // 1, 4, 8 or 16
override QUADS: u32 = 4; // 1, 2 or 4
override FOUR_DEPTHS: bool = true;

const LANES = 4u;

// Four columns of an invocation: their parts of b's and y's places, and whether they exist.
struct Columns {
    b: vec4<u32>,
    y: vec4<u32>,
    exist: vec4<bool>,
}

// What is made of one row, or one depth of b: QUADS times four columns.
struct Row {
    q0: vec4<f32>, q1: vec4<f32>, q2: vec4<f32>, q3: vec4<f32>,
}

struct AllColumns {
    q0: Columns, q1: Columns, q2: Columns, q3: Columns,
}

fn columns(j: u32, steps: ColumnSteps) -> Columns {
    let c0 = column_places(j, steps);
    let c1 = column_places(j + LANES, steps);
    let c2 = column_places(j + 2u * LANES, steps);
    let c3 = column_places(j + 3u * LANES, steps);
    return Columns(
        vec4(c0.x, c1.x, c2.x, c3.x), vec4(c0.y, c1.y, c2.y, c3.y),
        vec4(j, j + LANES, j + 2u * LANES, j + 3u * LANES) < vec4(steps.count));
}

fn four_of_b(depth: u32, c: Columns) -> vec4<f32> {
    return vec4(b[depth + c.b.x], b[depth + c.b.y], b[depth + c.b.z], b[depth + c.b.w]);
}

fn row_of_b(depth: u32, c: AllColumns) -> Row {
    var row = Row();
    row.q0 = four_of_b(depth, c.q0);
    if (QUADS > 1u) { row.q1 = four_of_b(depth, c.q1); }
    if (QUADS > 2u) {
        row.q2 = four_of_b(depth, c.q2);
        row.q3 = four_of_b(depth, c.q3);
    }
    return row;
}

// Add four depths of one row of a times b's.
fn add_four(
    sums: ptr<function, Row>, row: u32, depth: vec4<u32>, b0: Row, b1: Row, b2: Row, b3: Row
) {
    let x = vec4(a[row + depth.x], a[row + depth.y], a[row + depth.z], a[row + depth.w]);
    (*sums).q0 += x.x * b0.q0 + x.y * b1.q0 + x.z * b2.q0 + x.w * b3.q0;
    if (QUADS > 1u) { (*sums).q1 += x.x * b0.q1 + x.y * b1.q1 + x.z * b2.q1 + x.w * b3.q1; }
    if (QUADS > 2u) {
        (*sums).q2 += x.x * b0.q2 + x.y * b1.q2 + x.z * b2.q2 + x.w * b3.q2;
        (*sums).q3 += x.x * b0.q3 + x.y * b1.q3 + x.z * b2.q3 + x.w * b3.q3;
    }
}

// Add one depth.
fn add_one(sums: ptr<function, Row>, place: u32, b0: Row) {
    let x = a[place];
    (*sums).q0 += x * b0.q0;
    if (QUADS > 1u) { (*sums).q1 += x * b0.q1; }
    if (QUADS > 2u) {
        (*sums).q2 += x * b0.q2;
        (*sums).q3 += x * b0.q3;
    }
}

fn store_four(start: u32, c: Columns, sums: vec4<f32>) {
    if (c.exist.x) { y[start + c.y.x] = sums.x; }
    if (c.exist.y) { y[start + c.y.y] = sums.y; }
    if (c.exist.z) { y[start + c.y.z] = sums.z; }
    if (c.exist.w) { y[start + c.y.w] = sums.w; }
}

fn store(start: u32, c: AllColumns, sums: Row) {
    store_four(start, c.q0, sums.q0);
    if (QUADS > 1u) { store_four(start, c.q1, sums.q1); }
    if (QUADS > 2u) {
        store_four(start, c.q2, sums.q2);
        store_four(start, c.q3, sums.q3);
    }
}

@compute @workgroup_size(LANES)
fn product(
    @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32
) {
    let number = group.y * groups.x + group.x;
    if (number >= sizes.tiles) {
        return;
    }
    let t = task(number, vec2(ROWS, LANES * 4u * QUADS));
    let across = column_steps();
    let j = t.column + lane;
    var c = AllColumns();
    c.q0 = columns(j, across);
    if (QUADS > 1u) { c.q1 = columns(j + 4u * LANES, across); }
    if (QUADS > 2u) {
        c.q2 = columns(j + 8u * LANES, across);
        c.q3 = columns(j + 12u * LANES, across);
    }
    // Beyond the last row, the last one is read.
    let last = vec4(sizes.rows - 1u);
    let rows0 = min(t.row + vec4(0u, 1u, 2u, 3u), last) * sizes.a_row;
    let rows4 = min(t.row + vec4(4u, 5u, 6u, 7u), last) * sizes.a_row;
    let rows8 = min(t.row + vec4(8u, 9u, 10u, 11u), last) * sizes.a_row;
    let rows12 = min(t.row + vec4(12u, 13u, 14u, 15u), last) * sizes.a_row;
    var s0 = Row(); var s1 = Row(); var s2 = Row(); var s3 = Row();
    var s4 = Row(); var s5 = Row(); var s6 = Row(); var s7 = Row();
    var s8 = Row(); var s9 = Row(); var s10 = Row(); var s11 = Row();
    var s12 = Row(); var s13 = Row(); var s14 = Row(); var s15 = Row();

    let steps = depth_steps();
    for (var round = t.rounds.x; round < t.rounds.y; round++) {
        let start = t.start.xy + round * vec2(sizes.a_round, sizes.b_round);
        var k = t.depth.x;
        if (FOUR_DEPTHS) {
            for (; k + 4u <= t.depth.y; k += 4u) {
                let p0 = start + depth_places(k, steps);
                let p1 = start + depth_places(k + 1u, steps);
                let p2 = start + depth_places(k + 2u, steps);
                let p3 = start + depth_places(k + 3u, steps);
                let depth = vec4(p0.x, p1.x, p2.x, p3.x);
                let b0 = row_of_b(p0.y, c);
                let b1 = row_of_b(p1.y, c);
                let b2 = row_of_b(p2.y, c);
                let b3 = row_of_b(p3.y, c);
                add_four(&s0, rows0.x, depth, b0, b1, b2, b3);
                if (ROWS > 1u) {
                    add_four(&s1, rows0.y, depth, b0, b1, b2, b3);
                    add_four(&s2, rows0.z, depth, b0, b1, b2, b3);
                    add_four(&s3, rows0.w, depth, b0, b1, b2, b3);
                }
                if (ROWS > 4u) {
                    add_four(&s4, rows4.x, depth, b0, b1, b2, b3);
                    add_four(&s5, rows4.y, depth, b0, b1, b2, b3);
                    add_four(&s6, rows4.z, depth, b0, b1, b2, b3);
                    add_four(&s7, rows4.w, depth, b0, b1, b2, b3);
                }
                if (ROWS > 8u) {
                    add_four(&s8, rows8.x, depth, b0, b1, b2, b3);
                    add_four(&s9, rows8.y, depth, b0, b1, b2, b3);
                    add_four(&s10, rows8.z, depth, b0, b1, b2, b3);
                    add_four(&s11, rows8.w, depth, b0, b1, b2, b3);
                    add_four(&s12, rows12.x, depth, b0, b1, b2, b3);
                    add_four(&s13, rows12.y, depth, b0, b1, b2, b3);
                    add_four(&s14, rows12.z, depth, b0, b1, b2, b3);
                    add_four(&s15, rows12.w, depth, b0, b1, b2, b3);
                }
            }
        }
        for (; k < t.depth.y; k++) {
            let p = start + depth_places(k, steps);
            let b0 = row_of_b(p.y, c);
            add_one(&s0, p.x + rows0.x, b0);
            if (ROWS > 1u) {
                add_one(&s1, p.x + rows0.y, b0);
                add_one(&s2, p.x + rows0.z, b0);
                add_one(&s3, p.x + rows0.w, b0);
            }
            if (ROWS > 4u) {
                add_one(&s4, p.x + rows4.x, b0);
                add_one(&s5, p.x + rows4.y, b0);
                add_one(&s6, p.x + rows4.z, b0);
                add_one(&s7, p.x + rows4.w, b0);
            }
            if (ROWS > 8u) {
                add_one(&s8, p.x + rows8.x, b0);
                add_one(&s9, p.x + rows8.y, b0);
                add_one(&s10, p.x + rows8.z, b0);
                add_one(&s11, p.x + rows8.w, b0);
                add_one(&s12, p.x + rows12.x, b0);
                add_one(&s13, p.x + rows12.y, b0);
                add_one(&s14, p.x + rows12.z, b0);
                add_one(&s15, p.x + rows12.w, b0);
            }
        }
    }

    // One at a time: code for each would take longer to compile than all of the above.
    var sums = array<Row, 16>(
        s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15);
    let y_row = sizes.y_row;
    let y_start = t.start.z + t.row * y_row;
    let rows = min(ROWS, sizes.rows - t.row);
    for (var n = 0u; n < rows; n++) {
        store(y_start + n * y_row, c, sums[n]);
    }
}
