// needs: product

// Matrix products (lib/product.wgsl) for graphics hardware: tiles in workgroup memory.
//
// A workgroup of ACROSS x DOWN invocations makes 8 DOWN rows by 4 ACROSS columns, an invocation 8
// rows by 4 columns of them. In turn the workgroup fills the tiles with 16 depths of a and b and
// multiplies them. An invocation fills squares of 4 x 4; neighbours take squares that lie beside
// each other in memory (along the depth or not: A_ALONG_DEPTH, B_ALONG_DEPTH).
//
// With 16 x 8 invocations, a tile of 64 x 64: a loaded number is used 64 times, that is 16 FLOP
// a byte of global memory; from workgroup memory three vectors serve 8 vector multiply-adds (a's
// are the same for a whole row of invocations). Workgroup memory 8 KB and about 60 registers an
// invocation: 8 to 16 workgroups of 128 fit a multiprocessor with 64 K registers and 64 to 128
// KB, a fourth to a half of its threads, which suffices as each has 32 independent multiply-adds
// a depth. Other shapes (32 x 1 and 2, 4 and 8 x 8, 16 x 4) waste less on thin matrices.
//
// product_vec4 moves vectors: a, b and y without tables, sizes divisible by 4 where dense.

override ACROSS: u32 = 16;
override DOWN: u32 = 8;
override A_ALONG_DEPTH: bool = true;
override B_ALONG_DEPTH: bool = false;

const DEPTH = 16u;
const DEPTH_SQUARES = 4u;

@group(0) @binding(0) var<storage, read> a_vectors: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b_vectors: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y_vectors: array<vec4<f32>>;

// [depth][four rows], [depth][four columns]
var<workgroup> a_tile: array<vec4<f32>, DEPTH * 2 * DOWN>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * ACROSS>;

// Which square an invocation fills: (along the rows or columns, along the depth), in units of 4.
fn square(number: u32, beside: u32, along_depth: bool) -> vec2<u32> {
    if (along_depth) {
        return vec2(number / DEPTH_SQUARES, number % DEPTH_SQUARES);
    }
    return vec2(number % beside, number / beside);
}

// Four numbers of a's or b's; 0 for those that do not exist, whose places are those of others.
fn four_of_a(places: vec4<u32>, exist: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(), vec4(a[places.x], a[places.y], a[places.z], a[places.w]), exist);
}

fn four_of_b(places: vec4<u32>, exist: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(), vec4(b[places.x], b[places.y], b[places.z], b[places.w]), exist);
}

fn fill(t: Task, start: vec2<u32>, depth: u32, local: u32) {
    let down = depth_steps();
    let across = column_steps();
    for (var n = local; n < 2u * DOWN * DEPTH_SQUARES; n += ACROSS * DOWN) {
        let at = square(n, 2u * DOWN, A_ALONG_DEPTH);
        let rows = t.row + 4u * at.x + vec4(0u, 1u, 2u, 3u);
        let places = start.x + min(rows, vec4(sizes.rows - 1u)) * sizes.a_row;
        let exist = rows < vec4(sizes.rows);
        for (var d = 4u * at.y; d < 4u * at.y + 4u; d++) {
            let k = min(depth + d, t.depth.y - 1u);
            a_tile[d * 2u * DOWN + at.x] = four_of_a(
                places + depth_places(k, down).x, exist & vec4(depth + d < t.depth.y));
        }
    }
    for (var n = local; n < ACROSS * DEPTH_SQUARES; n += ACROSS * DOWN) {
        let at = square(n, ACROSS, B_ALONG_DEPTH);
        let j = t.column + 4u * at.x;
        let places = start.y + vec4(
            column_places(j, across).x, column_places(j + 1u, across).x,
            column_places(j + 2u, across).x, column_places(j + 3u, across).x);
        let exist = vec4(j, j + 1u, j + 2u, j + 3u) < vec4(sizes.columns);
        for (var d = 4u * at.y; d < 4u * at.y + 4u; d++) {
            let k = min(depth + d, t.depth.y - 1u);
            b_tile[d * ACROSS + at.x] = four_of_b(
                places + depth_places(k, down).y, exist & vec4(depth + d < t.depth.y));
        }
    }
}

fn a_vector(t: Task, i: u32, k: u32, start: u32) -> vec4<f32> {
    if (i < sizes.rows && k < t.depth.y) {
        return a_vectors[(start + i * sizes.a_row + depth_places(k, depth_steps()).x) / 4u];
    }
    return vec4<f32>();
}

fn b_vector(t: Task, k: u32, j: u32, start: u32) -> vec4<f32> {
    if (j < sizes.columns && k < t.depth.y) {
        let place = start + depth_places(k, depth_steps()).y + column_places(j, column_steps()).x;
        return b_vectors[place / 4u];
    }
    return vec4<f32>();
}

fn fill_by_vectors(t: Task, start: vec2<u32>, depth: u32, local: u32) {
    for (var n = local; n < 2u * DOWN * DEPTH_SQUARES; n += ACROSS * DOWN) {
        let at = square(n, 2u * DOWN, A_ALONG_DEPTH);
        let i = t.row + 4u * at.x;
        let k = depth + 4u * at.y;
        let to = 4u * at.y * 2u * DOWN + at.x;
        var four: mat4x4<f32>; // one column a depth
        if (A_ALONG_DEPTH) {
            four = transpose(mat4x4(
                a_vector(t, i, k, start.x), a_vector(t, i + 1u, k, start.x),
                a_vector(t, i + 2u, k, start.x), a_vector(t, i + 3u, k, start.x)));
        } else {
            four = mat4x4(
                a_vector(t, i, k, start.x), a_vector(t, i, k + 1u, start.x),
                a_vector(t, i, k + 2u, start.x), a_vector(t, i, k + 3u, start.x));
        }
        a_tile[to] = four[0];
        a_tile[to + 2u * DOWN] = four[1];
        a_tile[to + 4u * DOWN] = four[2];
        a_tile[to + 6u * DOWN] = four[3];
    }
    for (var n = local; n < ACROSS * DEPTH_SQUARES; n += ACROSS * DOWN) {
        let at = square(n, ACROSS, B_ALONG_DEPTH);
        let j = t.column + 4u * at.x;
        let k = depth + 4u * at.y;
        let to = 4u * at.y * ACROSS + at.x;
        var four: mat4x4<f32>;
        if (B_ALONG_DEPTH) {
            four = transpose(mat4x4(
                b_vector(t, k, j, start.y), b_vector(t, k, j + 1u, start.y),
                b_vector(t, k, j + 2u, start.y), b_vector(t, k, j + 3u, start.y)));
        } else {
            four = mat4x4(
                b_vector(t, k, j, start.y), b_vector(t, k + 1u, j, start.y),
                b_vector(t, k + 2u, j, start.y), b_vector(t, k + 3u, j, start.y));
        }
        b_tile[to] = four[0];
        b_tile[to + ACROSS] = four[1];
        b_tile[to + 2u * ACROSS] = four[2];
        b_tile[to + 3u * ACROSS] = four[3];
    }
}

fn multiply(sums: ptr<function, array<vec4<f32>, 8>>, across: u32, down: u32) {
    for (var d = 0u; d < DEPTH; d++) {
        let x = a_tile[(d * DOWN + down) * 2u];
        let z = a_tile[(d * DOWN + down) * 2u + 1u];
        let beside = b_tile[d * ACROSS + across];
        (*sums)[0] += x.x * beside;
        (*sums)[1] += x.y * beside;
        (*sums)[2] += x.z * beside;
        (*sums)[3] += x.w * beside;
        (*sums)[4] += z.x * beside;
        (*sums)[5] += z.y * beside;
        (*sums)[6] += z.z * beside;
        (*sums)[7] += z.w * beside;
    }
}

// Where four columns of y begin, and whether they exist.
struct Columns {
    places: vec4<u32>,
    exist: vec4<bool>,
}

fn columns(start: u32, j: u32) -> Columns {
    let steps = column_steps();
    return Columns(
        start + vec4(
            column_places(j, steps).y, column_places(j + 1u, steps).y,
            column_places(j + 2u, steps).y, column_places(j + 3u, steps).y),
        vec4(j, j + 1u, j + 2u, j + 3u) < vec4(sizes.columns));
}

// Rows are stored one by one, never by a counted index, which would keep the sums from registers.
fn store_row(i: u32, c: Columns, sums: vec4<f32>) {
    if (i < sizes.rows) {
        let row = i * sizes.y_row;
        if (c.exist.x) { y[c.places.x + row] = sums.x; }
        if (c.exist.y) { y[c.places.y + row] = sums.y; }
        if (c.exist.z) { y[c.places.z + row] = sums.z; }
        if (c.exist.w) { y[c.places.w + row] = sums.w; }
    }
}

fn store_vector(i: u32, start: u32, sums: vec4<f32>) {
    if (i < sizes.rows) {
        y_vectors[(start + i * sizes.y_row) / 4u] = sums;
    }
}

@compute @workgroup_size(ACROSS, DOWN)
fn product(
    @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>, @builtin(local_invocation_index) index: u32
) {
    let number = group.y * groups.x + group.x;
    if (number >= sizes.tiles) {
        return;
    }
    let t = task(number, vec2(8u * DOWN, 4u * ACROSS));
    var sums = array<vec4<f32>, 8>();
    for (var round = t.rounds.x; round < t.rounds.y; round++) {
        let start = t.start.xy + round * vec2(sizes.a_round, sizes.b_round);
        for (var depth = t.depth.x; depth < t.depth.y; depth += DEPTH) {
            workgroupBarrier();
            fill(t, start, depth, index);
            workgroupBarrier();
            multiply(&sums, local.x, local.y);
        }
    }
    let i = t.row + 8u * local.y;
    let c = columns(t.start.z, t.column + 4u * local.x);
    store_row(i, c, sums[0]);
    store_row(i + 1u, c, sums[1]);
    store_row(i + 2u, c, sums[2]);
    store_row(i + 3u, c, sums[3]);
    store_row(i + 4u, c, sums[4]);
    store_row(i + 5u, c, sums[5]);
    store_row(i + 6u, c, sums[6]);
    store_row(i + 7u, c, sums[7]);
}

@compute @workgroup_size(ACROSS, DOWN)
fn product_vec4(
    @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>, @builtin(local_invocation_index) index: u32
) {
    let number = group.y * groups.x + group.x;
    if (number >= sizes.tiles) {
        return;
    }
    let t = task(number, vec2(8u * DOWN, 4u * ACROSS));
    var sums = array<vec4<f32>, 8>();
    for (var depth = t.depth.x; depth < t.depth.y; depth += DEPTH) {
        workgroupBarrier();
        fill_by_vectors(t, t.start.xy, depth, index);
        workgroupBarrier();
        multiply(&sums, local.x, local.y);
    }
    let i = t.row + 8u * local.y;
    let j = t.column + 4u * local.x;
    if (j < sizes.columns) {
        let start = t.start.z + column_places(j, column_steps()).y;
        store_vector(i, start, sums[0]);
        store_vector(i + 1u, start, sums[1]);
        store_vector(i + 2u, start, sums[2]);
        store_vector(i + 3u, start, sums[3]);
        store_vector(i + 4u, start, sums[4]);
        store_vector(i + 5u, start, sums[5]);
        store_vector(i + 6u, start, sums[6]);
        store_vector(i + 7u, start, sums[7]);
    }
}
