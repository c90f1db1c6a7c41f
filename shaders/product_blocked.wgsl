// needs: product

// Matrix products (lib/product.wgsl) for adapters that compute on a CPU: register blocks only.
//
// A workgroup of LANES invocations makes ROWS rows by LANES x (4 or, if WIDE, 8) columns; an
// invocation has every LANES-th of them, so that neighbours read neighbouring memory of b, and all
// read the same of a.
//
// Such an adapter runs 4 or 8 invocations as the lanes of one CPU vector. A load costs it about ten
// multiply-adds, most of that checks, whether all lanes read one number, a run or scattered ones; a
// barrier costs far more, and WGSL's own vectors gain nothing. So the block is as large as can be:
// at 8 rows and 8 columns 16 loads serve 64 multiply-adds, in steps of four depths so that a sum is
// written once for four terms. Workgroup memory: none. The 64 sums an invocation would cost a
// GPU its occupancy: for hardware there is product_tiled.wgsl.

override ROWS: u32 = 8; // 1, 4 or 8
override WIDE: bool = true;
override LANES: u32 = 4;

// Four columns of an invocation: their parts of b's and y's places, and whether they exist.
struct Columns {
    b: vec4<u32>,
    y: vec4<u32>,
    exist: vec4<bool>,
}

fn columns(j: u32) -> Columns {
    let c0 = column_places(j);
    let c1 = column_places(j + LANES);
    let c2 = column_places(j + 2u * LANES);
    let c3 = column_places(j + 3u * LANES);
    return Columns(
        vec4(c0.x, c1.x, c2.x, c3.x), vec4(c0.y, c1.y, c2.y, c3.y),
        vec4(j, j + LANES, j + 2u * LANES, j + 3u * LANES) < vec4(sizes.columns));
}

fn four_of_a(row: u32, depth: vec4<u32>) -> vec4<f32> {
    return vec4(a[row + depth.x], a[row + depth.y], a[row + depth.z], a[row + depth.w]);
}

fn four_of_b(depth: u32, columns: vec4<u32>) -> vec4<f32> {
    return vec4(
        b[depth + columns.x], b[depth + columns.y], b[depth + columns.z], b[depth + columns.w]);
}

// Four depths of one row times four depths of four columns.
fn four_depths(
    x: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>
) -> vec4<f32> {
    return x.x * b0 + x.y * b1 + x.z * b2 + x.w * b3;
}

fn store_four(start: u32, c: Columns, sums: vec4<f32>) {
    if (c.exist.x) { y[start + c.y.x] = sums.x; }
    if (c.exist.y) { y[start + c.y.y] = sums.y; }
    if (c.exist.z) { y[start + c.y.z] = sums.z; }
    if (c.exist.w) { y[start + c.y.w] = sums.w; }
}

fn store_row(start: u32, exists: bool, l: Columns, left: vec4<f32>, r: Columns, right: vec4<f32>) {
    if (exists) {
        store_four(start, l, left);
        if (WIDE) { store_four(start, r, right); }
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
    let t = task(number, vec2(ROWS, LANES * select(4u, 8u, WIDE)));
    let i = t.row;
    let rows = sizes.rows;
    let last = rows - 1u;
    let a_row = sizes.a_row;
    let row0 = min(i, last) * a_row;
    let row1 = min(i + 1u, last) * a_row;
    let row2 = min(i + 2u, last) * a_row;
    let row3 = min(i + 3u, last) * a_row;
    let row4 = min(i + 4u, last) * a_row;
    let row5 = min(i + 5u, last) * a_row;
    let row6 = min(i + 6u, last) * a_row;
    let row7 = min(i + 7u, last) * a_row;
    let left = columns(t.column + lane);
    var right = Columns();
    if (WIDE) { right = columns(t.column + lane + 4u * LANES); }
    let steps = depth_steps();
    var l0 = vec4<f32>(); var l1 = vec4<f32>(); var l2 = vec4<f32>(); var l3 = vec4<f32>();
    var l4 = vec4<f32>(); var l5 = vec4<f32>(); var l6 = vec4<f32>(); var l7 = vec4<f32>();
    var r0 = vec4<f32>(); var r1 = vec4<f32>(); var r2 = vec4<f32>(); var r3 = vec4<f32>();
    var r4 = vec4<f32>(); var r5 = vec4<f32>(); var r6 = vec4<f32>(); var r7 = vec4<f32>();

    for (var round = t.rounds.x; round < t.rounds.y; round++) {
        let a_start = t.start.x + round * sizes.a_round;
        let b_start = t.start.y + round * sizes.b_round;
        var k = t.depth.x;
        for (; k + 4u <= t.depth.y; k += 4u) {
            let p0 = depth_places(k, steps);
            let p1 = depth_places(k + 1u, steps);
            let p2 = depth_places(k + 2u, steps);
            let p3 = depth_places(k + 3u, steps);
            let depth = vec4(p0.x, p1.x, p2.x, p3.x) + a_start;
            let b0 = four_of_b(b_start + p0.y, left.b);
            let b1 = four_of_b(b_start + p1.y, left.b);
            let b2 = four_of_b(b_start + p2.y, left.b);
            let b3 = four_of_b(b_start + p3.y, left.b);
            var c0 = vec4<f32>(); var c1 = vec4<f32>(); var c2 = vec4<f32>(); var c3 = vec4<f32>();
            if (WIDE) {
                c0 = four_of_b(b_start + p0.y, right.b);
                c1 = four_of_b(b_start + p1.y, right.b);
                c2 = four_of_b(b_start + p2.y, right.b);
                c3 = four_of_b(b_start + p3.y, right.b);
            }
            let a0 = four_of_a(row0, depth);
            l0 += four_depths(a0, b0, b1, b2, b3);
            if (WIDE) { r0 += four_depths(a0, c0, c1, c2, c3); }
            if (ROWS > 1u) {
                let a1 = four_of_a(row1, depth);
                l1 += four_depths(a1, b0, b1, b2, b3);
                if (WIDE) { r1 += four_depths(a1, c0, c1, c2, c3); }
                let a2 = four_of_a(row2, depth);
                l2 += four_depths(a2, b0, b1, b2, b3);
                if (WIDE) { r2 += four_depths(a2, c0, c1, c2, c3); }
                let a3 = four_of_a(row3, depth);
                l3 += four_depths(a3, b0, b1, b2, b3);
                if (WIDE) { r3 += four_depths(a3, c0, c1, c2, c3); }
            }
            if (ROWS > 4u) {
                let a4 = four_of_a(row4, depth);
                l4 += four_depths(a4, b0, b1, b2, b3);
                if (WIDE) { r4 += four_depths(a4, c0, c1, c2, c3); }
                let a5 = four_of_a(row5, depth);
                l5 += four_depths(a5, b0, b1, b2, b3);
                if (WIDE) { r5 += four_depths(a5, c0, c1, c2, c3); }
                let a6 = four_of_a(row6, depth);
                l6 += four_depths(a6, b0, b1, b2, b3);
                if (WIDE) { r6 += four_depths(a6, c0, c1, c2, c3); }
                let a7 = four_of_a(row7, depth);
                l7 += four_depths(a7, b0, b1, b2, b3);
                if (WIDE) { r7 += four_depths(a7, c0, c1, c2, c3); }
            }
        }
        for (; k < t.depth.y; k++) { // what four do not divide
            let p = depth_places(k, steps);
            let depth = a_start + p.x;
            let x = vec4(a[row0 + depth], a[row1 + depth], a[row2 + depth], a[row3 + depth]);
            let z = vec4(a[row4 + depth], a[row5 + depth], a[row6 + depth], a[row7 + depth]);
            let b0 = four_of_b(b_start + p.y, left.b);
            l0 += x.x * b0; l1 += x.y * b0; l2 += x.z * b0; l3 += x.w * b0;
            l4 += z.x * b0; l5 += z.y * b0; l6 += z.z * b0; l7 += z.w * b0;
            if (WIDE) {
                let c0 = four_of_b(b_start + p.y, right.b);
                r0 += x.x * c0; r1 += x.y * c0; r2 += x.z * c0; r3 += x.w * c0;
                r4 += z.x * c0; r5 += z.y * c0; r6 += z.z * c0; r7 += z.w * c0;
            }
        }
    }

    let y_row = sizes.y_row;
    let y_start = t.start.z + i * y_row;
    store_row(y_start, i < rows, left, l0, right, r0);
    if (ROWS > 1u) {
        store_row(y_start + y_row, i + 1u < rows, left, l1, right, r1);
        store_row(y_start + 2u * y_row, i + 2u < rows, left, l2, right, r2);
        store_row(y_start + 3u * y_row, i + 3u < rows, left, l3, right, r3);
    }
    if (ROWS > 4u) {
        store_row(y_start + 4u * y_row, i + 4u < rows, left, l4, right, r4);
        store_row(y_start + 5u * y_row, i + 5u < rows, left, l5, right, r5);
        store_row(y_start + 6u * y_row, i + 6u < rows, left, l6, right, r6);
        store_row(y_start + 7u * y_row, i + 7u < rows, left, l7, right, r7);
    }
}
