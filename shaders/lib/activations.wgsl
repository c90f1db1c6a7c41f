// The activation functions and their derivatives, under the names and codes of the rows in
// loom_core/activations.py; a test compares. `function` is an override constant wherever it is
// called from, so that a pipeline holds one branch. Comparisons instead of max: a NaN goes through.

const SCALED_RELU_GAIN: f32 = 1.1;
const LEAKY_SLOPE: f32 = 0.1;
const GELU_SCALE: f32 = 1.59576912;
const GELU_CUBE: f32 = 0.044715;

// Beyond it exp(-|x|) is 0, and an activation has reached its limits.
const FAR: f32 = 105.0;

fn scaled_relu_of(x: f32) -> f32 { return SCALED_RELU_GAIN * select(x, 0.0, x < 0.0); }

fn scaled_relu_slope(y: f32) -> f32 { return select(0.0, SCALED_RELU_GAIN, y > 0.0); }

fn sigmoid_of(x: f32) -> f32 { return sigmoid(x); }

fn sigmoid_slope(y: f32) -> f32 { return y * (1.0 - y); }

fn tanh_of(x: f32) -> f32 { return hyperbolic_tangent(x); }

fn tanh_slope(y: f32) -> f32 { return 1.0 - y * y; }

// max(x, 0) + ln(1 + exp(-|x|))
fn softplus_of(x: f32) -> f32 {
    return select(x, 0.0, x < 0.0) + logarithm_of_1_plus(exponential(-abs(x)));
}

// sigmoid(x) = 1 - exp(-y)
fn softplus_slope(y: f32) -> f32 { return -exponential_minus_1(-y); }

fn leaky_relu_of(x: f32) -> f32 { return select(x, LEAKY_SLOPE * x, x < 0.0); }

fn leaky_relu_slope(y: f32) -> f32 { return select(1.0, LEAKY_SLOPE, y < 0.0); }

fn plain_relu_of(x: f32) -> f32 { return select(x, 0.0, x < 0.0); }

fn plain_relu_slope(y: f32) -> f32 { return select(0.0, 1.0, y > 0.0); }

fn not_far_below(x: f32) -> f32 { return select(x, -FAR, x < -FAR); }

fn near(x: f32) -> f32 { return select(not_far_below(x), FAR, x > FAR); }

fn gelu_of(x: f32) -> f32 { return not_far_below(x) * normal(x).below; }

fn gelu_slope(x: f32) -> f32 {
    let n = normal(x);
    return n.below + near(x) * n.density;
}

// x sigmoid(z) with z = scale x (1 + cube x^2), and its derivative s + x s (1 - s) z'(x).
struct Gated {
    value: f32,
    slope: f32,
}

fn gated(x: f32, scale: f32, cube: f32) -> Gated {
    let square = near(x) * near(x);
    let z = scale * near(x) * (1.0 + cube * square);
    let e = exponential(-abs(z));
    let larger = 1.0 / (e + 1.0);
    let smaller = e * larger; // s and 1 - s, neither of which cancels
    let s = select(larger, smaller, z < 0.0);
    let steepness = scale * (1.0 + 3.0 * cube * square);
    return Gated(not_far_below(x) * s, s + near(x) * (smaller * larger) * steepness);
}

fn gelu_tanh_of(x: f32) -> f32 { return gated(x, GELU_SCALE, GELU_CUBE).value; }

fn gelu_tanh_slope(x: f32) -> f32 { return gated(x, GELU_SCALE, GELU_CUBE).slope; }

fn silu_of(x: f32) -> f32 { return gated(x, 1.0, 0.0).value; }

fn silu_slope(x: f32) -> f32 { return gated(x, 1.0, 0.0).slope; }

fn elu_of(x: f32) -> f32 {
    return select(exponential_minus_1(select(x, 0.0, x > 0.0)), x, x > 0.0);
}

// exp(x) = y + 1
fn elu_slope(y: f32) -> f32 { return 1.0 + select(y, 0.0, y > 0.0); }

fn activated(function: u32, x: f32) -> f32 {
    switch function {
        case 0u: { return scaled_relu_of(x); }
        case 1u: { return sigmoid_of(x); }
        case 2u: { return tanh_of(x); }
        case 3u: { return softplus_of(x); }
        case 4u: { return leaky_relu_of(x); }
        case 6u: { return plain_relu_of(x); }
        case 7u: { return gelu_of(x); }
        case 8u: { return gelu_tanh_of(x); }
        case 9u: { return silu_of(x); }
        case 10u: { return elu_of(x); }
        default: { return x; }
    }
}

// f'(x) from v = y or x, as the function wants.
fn activation_slope(function: u32, v: f32) -> f32 {
    switch function {
        case 0u: { return scaled_relu_slope(v); }
        case 1u: { return sigmoid_slope(v); }
        case 2u: { return tanh_slope(v); }
        case 3u: { return softplus_slope(v); }
        case 4u: { return leaky_relu_slope(v); }
        case 6u: { return plain_relu_slope(v); }
        case 7u: { return gelu_slope(v); }
        case 8u: { return gelu_tanh_slope(v); }
        case 9u: { return silu_slope(v); }
        case 10u: { return elu_slope(v); }
        default: { return 1.0; }
    }
}
