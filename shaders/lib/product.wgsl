// What a matrix product reads and writes, and which part of it a workgroup makes.
//
//   y[row i, column j] = sum over rounds r and depth k of a[i, k, r] b[k, j, r]
//
// for each member of a batch. A place in memory is a sum of independent parts:
//
//   a: i a_row + depth part + r a_round + member a_batch
//   b: depth part + column part + r b_round + member b_batch
//   y: i y_row + column part + member y_batch + part y_part
//
// A depth part is k times a stride, a column part j times a stride: a transpose is only another
// pair of strides. With TABLES they come from tables instead, as the patches of a convolution
// do: from entry a_depth on, depth_table holds a's and b's part for each k, and from entry
// b_column on column_table b's and y's for each j; without, any buffer may be bound there. A sum
// may be cut into parts by depth and rounds, which lie one behind the other in y and are added
// afterwards.

override TABLES: bool = false;

struct Sizes {
    rows: u32, columns: u32, depth: u32, rounds: u32, batch: u32,
    a_row: u32, a_depth: u32, a_round: u32, a_batch: u32,
    b_depth: u32, b_column: u32, b_round: u32, b_batch: u32,
    y_row: u32, y_column: u32, y_batch: u32, y_part: u32,
    part_depth: u32, part_rounds: u32, // of one part
    depth_parts: u32, row_tiles: u32, column_tiles: u32, tiles: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> depth_table: array<u32>;
@group(0) @binding(4) var<storage, read> column_table: array<u32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

// The parts of a's and b's places that depth k decides; `steps` is depth_steps(), which a loop is
// given so that it is read once.
fn depth_places(k: u32, steps: vec2<u32>) -> vec2<u32> {
    if (TABLES) {
        let entry = 2u * (steps.x + k);
        return vec2(depth_table[entry], depth_table[entry + 1u]);
    }
    return k * steps;
}

fn depth_steps() -> vec2<u32> {
    return vec2(sizes.a_depth, sizes.b_depth);
}

// The parts of b's and y's places that column j decides; beyond the last column, the last's.
fn column_places(j: u32, steps: ColumnSteps) -> vec2<u32> {
    let column = min(j, steps.count - 1u);
    if (TABLES) {
        let entry = 2u * (steps.places.x + column);
        return vec2(column_table[entry], column_table[entry + 1u]);
    }
    return column * steps.places;
}

struct ColumnSteps {
    count: u32,
    places: vec2<u32>,
}

fn column_steps() -> ColumnSteps {
    return ColumnSteps(sizes.columns, vec2(sizes.b_column, sizes.y_column));
}

// One tile of one member's part: from row and column, which depths and rounds, where a, b, y start.
struct Task {
    row: u32,
    column: u32,
    depth: vec2<u32>, // first, end
    rounds: vec2<u32>,
    start: vec3<u32>,
}

// Of tile `number` in a division into tiles of `shape` rows and columns; columns pass fastest, so
// that neighbouring workgroups share rows of a.
fn task(number: u32, shape: vec2<u32>) -> Task {
    let layer = number / (sizes.row_tiles * sizes.column_tiles);
    let member = layer % sizes.batch;
    let part = layer / sizes.batch;
    let depth = part % sizes.depth_parts * sizes.part_depth;
    let round = part / sizes.depth_parts * sizes.part_rounds;
    return Task(
        number / sizes.column_tiles % sizes.row_tiles * shape.x,
        number % sizes.column_tiles * shape.y,
        vec2(depth, min(depth + sizes.part_depth, sizes.depth)),
        vec2(round, min(round + sizes.part_rounds, sizes.rounds)),
        vec3(
            member * sizes.a_batch, member * sizes.b_batch,
            member * sizes.y_batch + part * sizes.y_part),
    );
}
