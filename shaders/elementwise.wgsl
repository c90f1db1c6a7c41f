// needs: grid, functions, activations

// add, mul, div, scale, sqrt, sign, activate, activate_dx: y[i] from a[i] and b[i], of one shape.
//
// A cell is a vector of 4 numbers; every buffer ends with a whole one, whatever the shape. An
// invocation takes the cells i, i + all invocations, ...: neighbours read neighbouring memory, and
// as many workgroups are started as keep the device busy. One operation for 8 to 12 bytes moved
// (some 20 for the functions), so memory bandwidth is the bound; no workgroup memory and few
// registers, so occupancy is full.

struct Cells {
    count: u32,
    factor: f32, // of scale
}

override FUNCTION: u32 = 5; // code of the activation

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;

// add, mul, div, activate_dx
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> cells: Cells;

// scale, sqrt, sign, activate
@group(0) @binding(1) var<storage, read_write> y_of_one: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> cells_of_one: Cells;

// y = a + b
@compute @workgroup_size(SIZE)
fn add(at: Invocation) {
    for (var i = first_cell(at); i < cells.count; i += all_cells(at)) {
        y[i] = a[i] + b[i];
    }
}

// y = a b
@compute @workgroup_size(SIZE)
fn mul(at: Invocation) {
    for (var i = first_cell(at); i < cells.count; i += all_cells(at)) {
        y[i] = a[i] * b[i];
    }
}

// y = a / b
@compute @workgroup_size(SIZE)
fn div(at: Invocation) {
    for (var i = first_cell(at); i < cells.count; i += all_cells(at)) {
        y[i] = a[i] / b[i];
    }
}

// dx = dy f'(x), a = dy, b = f(x) or x as the function wants
@compute @workgroup_size(SIZE)
fn activate_dx(at: Invocation) {
    for (var i = first_cell(at); i < cells.count; i += all_cells(at)) {
        let value = b[i];
        y[i] = a[i] * vec4<f32>(
            activation_slope(FUNCTION, value.x),
            activation_slope(FUNCTION, value.y),
            activation_slope(FUNCTION, value.z),
            activation_slope(FUNCTION, value.w),
        );
    }
}

// y = factor a
@compute @workgroup_size(SIZE)
fn scale(at: Invocation) {
    for (var i = first_cell(at); i < cells_of_one.count; i += all_cells(at)) {
        y_of_one[i] = a[i] * cells_of_one.factor;
    }
}

// y = sqrt(a)
@compute @workgroup_size(SIZE)
fn root(at: Invocation) {
    for (var i = first_cell(at); i < cells_of_one.count; i += all_cells(at)) {
        y_of_one[i] = sqrt(a[i]);
    }
}

// y = -1, 0 or 1; a NaN stays
@compute @workgroup_size(SIZE)
fn signs(at: Invocation) {
    for (var i = first_cell(at); i < cells_of_one.count; i += all_cells(at)) {
        let x = a[i];
        let nan = vec4<bool>(is_nan(x.x), is_nan(x.y), is_nan(x.z), is_nan(x.w));
        y_of_one[i] = select(sign(x), x, nan);
    }
}

// y = f(a)
@compute @workgroup_size(SIZE)
fn activate(at: Invocation) {
    for (var i = first_cell(at); i < cells_of_one.count; i += all_cells(at)) {
        let value = a[i];
        y_of_one[i] = vec4<f32>(
            activated(FUNCTION, value.x),
            activated(FUNCTION, value.y),
            activated(FUNCTION, value.z),
            activated(FUNCTION, value.w),
        );
    }
}
