// The activation functions by their codes (loom_core/activations.py) and their derivatives in terms
// of the output. `function` is an override constant wherever it is called from, so that a pipeline
// holds one branch.

const SCALED_RELU_GAIN: f32 = 1.1;
const LEAKY_SLOPE: f32 = 0.1;

// Comparisons instead of max: a NaN goes through.
fn activated(function: u32, x: f32) -> f32 {
    switch function {
        case 0u: { return SCALED_RELU_GAIN * select(x, 0.0, x < 0.0); }
        case 1u: { return sigmoid(x); }
        case 2u: { return hyperbolic_tangent(x); }
        case 3u: { return select(x, 0.0, x < 0.0) + logarithm_of_1_plus(exponential(-abs(x))); }
        case 4u: { return select(x, LEAKY_SLOPE * x, x < 0.0); }
        default: { return x; }
    }
}

// f'(x) from y = f(x).
fn activation_slope(function: u32, y: f32) -> f32 {
    switch function {
        case 0u: { return select(0.0, SCALED_RELU_GAIN, y > 0.0); }
        case 1u: { return y * (1.0 - y); }
        case 2u: { return 1.0 - y * y; }
        case 3u: { return -exponential_minus_1(-y); }
        case 4u: { return select(1.0, LEAKY_SLOPE, y < 0.0); }
        default: { return 1.0; }
    }
}
