// The activation functions and their derivatives, under the names and codes of the rows in
// loom_core/activations.py; a test compares. `function` is an override constant wherever it is
// called from, so that a pipeline holds one branch. Comparisons instead of max: a NaN goes through.

const SCALED_RELU_GAIN: f32 = 1.1;
const LEAKY_SLOPE: f32 = 0.1;

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

fn activated(function: u32, x: f32) -> f32 {
    switch function {
        case 0u: { return scaled_relu_of(x); }
        case 1u: { return sigmoid_of(x); }
        case 2u: { return tanh_of(x); }
        case 3u: { return softplus_of(x); }
        case 4u: { return leaky_relu_of(x); }
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
        default: { return 1.0; }
    }
}
