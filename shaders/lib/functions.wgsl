// exp, expm1, tanh, sigmoid, log and log1p of a float, from series: within 4 units of the last
// place everywhere; the normal distribution within 8. The built-in ones differ between devices, and
// some overflow. A NaN stays NaN; it is recognised by its bits, as compilers may assume that none
// occurs.

fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// Neither infinite nor NaN.
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

// exp(x) = 2^n (1 + p) with n whole, |r| <= ln(2) / 2 and p = exp(r) - 1.
struct Exponent {
    n: i32,
    p: f32,
}

// |x| below 1e5. The series' next term is below 6e-9.
fn exponent(x: f32) -> Exponent {
    let n = floor(x * 1.44269504 + 0.5);
    // ln(2) in two parts, of which the first has few bits: its products with n are exact.
    var r = x - n * 0.693359375;
    r = r + n * 2.12194440e-4;
    var q = r * (1.0 / 5040.0) + (1.0 / 720.0);
    q = r * q + (1.0 / 120.0);
    q = r * q + (1.0 / 24.0);
    q = r * q + (1.0 / 6.0);
    q = r * q + 0.5;
    return Exponent(i32(n), r * r * q + r);
}

// 2^n for n from -126 to 127.
fn power_of_two(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }

// Infinity above 88.8, 0 below -104.
fn exponential(x: f32) -> f32 {
    let e = exponent(clamp(x, -105.0, 90.0));
    // Twice the root of the scale: 2^128 and the smallest numbers lie outside one factor's range.
    let half = e.n >> 1u;
    let y = (e.p + 1.0) * power_of_two(half) * power_of_two(e.n - half);
    return select(y, x, is_nan(x));
}

// exp(x) - 1 for x <= 0, exact to the last places near 0.
fn exponential_minus_1(x: f32) -> f32 {
    let e = exponent(max(x, -60.0));
    let scale = power_of_two(e.n);
    return select(scale * e.p + (scale - 1.0), x, is_nan(x));
}

// tanh|x| = -t / (2 + t) with t = exp(-2|x|) - 1.
fn hyperbolic_tangent(x: f32) -> f32 {
    let t = exponential_minus_1(-2.0 * abs(x));
    let y = -t / (t + 2.0);
    return select(y, -y, x < 0.0);
}

// 1 / (1 + exp(-x)); the exponential is of -|x| and cannot overflow.
fn sigmoid(x: f32) -> f32 {
    let e = exponential(-abs(x));
    return select(1.0, e, x < 0.0) / (1.0 + e);
}

// 2 atanh(s) for |s| <= 1/3. The series' next term is below 2e-9 of the sum.
fn twice_area_tangent(s: f32) -> f32 {
    let z = s * s;
    var q = z * (2.0 / 15.0) + (2.0 / 13.0);
    q = z * q + (2.0 / 11.0);
    q = z * q + (2.0 / 9.0);
    q = z * q + (2.0 / 7.0);
    q = z * q + (2.0 / 5.0);
    q = z * q + (2.0 / 3.0);
    return s * z * q + s * 2.0;
}

// ln(x) for positive normal x; x = 2^n m with m from sqrt(1/2) to sqrt(2).
fn logarithm(x: f32) -> f32 {
    let bits = bitcast<u32>(x) - 0x3f3504f3u; // sqrt(1/2): n changes there
    let n = f32(bitcast<i32>(bits) >> 23u);
    let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
    let y = twice_area_tangent((m - 1.0) / (m + 1.0)) - n * 2.12194440e-4 + n * 0.693359375;
    return select(y, x, is_nan(x));
}

// ln(1 + e) for e above -1.
fn logarithm_of_1_plus(e: f32) -> f32 {
    if (e > -0.5 && e <= 1.0) {
        return twice_area_tangent(e / (e + 2.0));
    }
    return logarithm(1.0 + e);
}

// x^power for positive x.
fn power_of_positive(x: f32, power: f32) -> f32 { return exponential(power * logarithm(x)); }

// The share of the normal distribution below x, and its density there.
struct Normal {
    below: f32,
    density: f32,
}

// The series is that of loom_core/normal_distribution.py, here to 1e-8: (1 + t) exp(t^2 / 2) times
// the share above t >= 0, in powers of u = (t - 4) / (t + 4). Beyond t = 15 that share is 0.
fn normal(x: f32) -> Normal {
    let t = select(abs(x), 15.0, abs(x) > 15.0);
    // exp(-t^2 / 2) in two factors: the square of 12 bits is exact, and what is left is small.
    let high = bitcast<f32>(bitcast<u32>(t) & 0xfffff000u);
    let rest = -0.5 * (t - high) * (t + high);
    var factor = rest * (1.0 / 24.0) + (1.0 / 6.0);
    factor = rest * factor + 0.5;
    factor = rest * factor + 1.0;
    factor = rest * factor + 1.0;
    let bell = exponential(-0.5 * high * high) * factor;
    let u = (t - 4.0) / (t + 4.0);
    var q = u * 1.25685467e-5 - 5.80912353e-5;
    q = u * q - 8.45540179e-5;
    q = u * q + 0.000664988692;
    q = u * q - 0.000291267495;
    q = u * q - 0.00498771425;
    q = u * q + 0.0179376959;
    q = u * q - 0.0322011629;
    q = u * q + 0.0286001681;
    q = u * q + 0.0139999137;
    q = u * q - 0.0967034704;
    q = u * q + 0.472053203;
    let above = bell * q / (t + 1.0);
    return Normal(select(1.0 - above, above, x < 0.0), 0.398942280 * bell);
}
