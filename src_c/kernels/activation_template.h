/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Activations of a row: plain loops without branches, which compilers turn into
 * vectors. NaN stays NaN.
 */
#if FC_REAL
/* exp(-y) - 1 for y >= 0; *exponential gets exp(-y).
 *
 * -y = n ln 2 + r with |r| <= ln 2 / 2; exp(r) - 1 = r + r^2 q(r), q by interpolation at the
 * Chebyshev points (relative error below 3e-8 and 5e-17); 2^n is made of its bits. What is below
 * the least normal number becomes 0. */
FC_INLINE FC_T FC_NAME(expm1_of_minus)(FC_T y, FC_T *exponential)
{
#if FC_REAL == 4
    const FC_T magic = 0x1.8p23f, most = 87.0f;
    const FC_T high = 0x1.62e4p-1f, low = 0x1.7f7d1cp-20f; /* ln 2 in two parts */
#else
    const FC_T magic = 0x1.8p52, most = 708.0;
    const FC_T high = 0x1.62e42fefa38p-1, low = 0x1.ef35793c7673p-45;
#endif
    const FC_T x = -(y < most ? y : most);
    const FC_T shifted = x * (FC_T)1.44269504088896340736 + magic;
    const FC_T n = shifted - magic;
    const FC_T r = (x - n * high) - n * low;
#if FC_REAL == 4
    const FC_T q = 0.5f + r * (0.1666657667f + r * (0.04166655421f + r * (0.008363232884f
                   + r * 0.001392625083f)));
#else
    const FC_T q = 0.5 + r * (0.166666666666666675 + r * (0.0416666666666238205
                   + r * (0.0083333333333300382 + r * (0.00138888889173670806
                   + r * (0.00019841269863171556 + r * (2.48015210578682052e-5
                   + r * (2.75572682769056962e-6 + r * (2.76202015910315488e-7
                   + r * 2.5100472505694996e-8))))))));
#endif
    FC_INT bits;
    FC_T scale;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (FC_INT)((FC_BITS)bits << FC_FRACTION) + FC_ONE; /* the digits of n are the last ones */
    memcpy(&scale, &bits, sizeof scale);
    const FC_T fraction = r + r * r * q;
    const int none = y > most;
    *exponential = none ? 0 : scale + scale * fraction;
    return none ? -1 : (scale - 1) + scale * fraction;
}

FC_INLINE FC_T FC_NAME(sigmoid)(FC_T x)
{
    FC_T e;
    FC_NAME(expm1_of_minus)(x < 0 ? -x : x, &e);
    return x != x ? x : (x < 0 ? e : 1) / (1 + e);
}

/* (1 - exp(-2|x|)) / (1 + exp(-2|x|)) with the sign of x */
FC_INLINE FC_T FC_NAME(tanh)(FC_T x)
{
    FC_T e;
    const FC_T size = x < 0 ? -x : x;
    const FC_T less = FC_NAME(expm1_of_minus)(2 * size, &e);
    const FC_T value = -less / (2 + less);
    return x != x ? x : x < 0 ? -value : size == 0 ? x : value;
}

/* x Phi(x), Phi(x) = erfc(-x / sqrt 2) / 2.  With a = |x| / sqrt 2 and t = 1 / (1 + 0.3 a)
 * erfc(a) = exp(-a^2) t Q(t); Q by interpolation at the Chebyshev points of t (relative error
 * below 3e-8 and 1e-16).  a^2 = x^2 / 2 in two parts, so that exp gets all of it. */
FC_INLINE FC_T FC_NAME(gelu)(FC_T x)
{
    FC_T e;
    const FC_T size = x < 0 ? -x : x;
    const FC_T t = 1 / (1 + (FC_T)(0.3 * 0.70710678118654752440) * size);
#if FC_REAL == 4
    const FC_T Q = 0.1691751026f + t * (0.1709141563f + t * (0.1470454191f + t * (0.2195671148f
                   + t * (-0.1047121411f + t * (0.5612462022f + t * (-0.5233146563f
                   + t * (0.4905715981f + t * -0.1304928155f)))))));
    const FC_BITS upper = 0xfffff000u;
#else
    const FC_T Q = 0.169256875038807317 + t * (0.169256876738132161 + t * (0.161640265088557251
                   + t * (0.146408134438349746 + t * (0.12457380913328441
                   + t * (0.0983437614457650134 + t * (0.0694133332258735159
                   + t * (0.0480095047827429397 + t * (0.00273476303246623005
                   + t * (0.0711570251649868511 + t * (-0.184573400124105267
                   + t * (0.399843327016707635 + t * (-0.726187413559692053
                   + t * (1.01460057395416635 + t * (-1.10425871910770252
                   + t * (0.900415639328091421 + t * (-0.508512338118149043
                   + t * (0.172409648257878398 + t * (-0.0178272730295876445
                   + t * (-0.0107402999177066708 + t * (0.00462749325543302961
                   + t * -0.000591586044299084714))))))))))))))))))));
    const FC_BITS upper = 0xfffffffff8000000u;
#endif
    FC_BITS bits;
    FC_T head;
    memcpy(&bits, &size, sizeof bits);
    bits &= upper;
    memcpy(&head, &bits, sizeof head);
    const FC_T square = head * head / 2, rest = (size - head) * (size + head) / 2;
    FC_NAME(expm1_of_minus)(square, &e);
    /* exp(-rest); rest is below 0.05, in float64 below 1e-5 */
    const FC_T less = rest * (1 - rest / 2 * (1 - rest / 3));
    const FC_T tail = (e - e * less) * t * Q / 2; /* Phi(-|x|) */
    const FC_T value = x * (x < 0 ? tail : 1 - tail);
    return x != x ? x : size > 40 ? (x < 0 ? x * 0 : x) : value;
}
#endif

#define FC_EACH(VALUE)                                                                           \
    FC_INDEPENDENT                                                                               \
    for (ptrdiff_t i = 0; i < count; i++) {                                                      \
        const FC_T x = from[i];                                                                  \
        to[i] = VALUE;                                                                           \
    }                                                                                            \
    break;
/* to = activation(from), of those that are no clamp; both may be the same row. */
static void FC_NAME(activate)(FC_LOOSE *to, const FC_LOOSE *from, ptrdiff_t count, int activation,
                              FC_T slope)
{
#if FC_REAL
    switch (activation) {
    case FC_LEAKY_RELU: FC_EACH(x < 0 ? x * slope : x)
    case FC_SIGMOID: FC_EACH(FC_NAME(sigmoid)(x))
    case FC_TANH: FC_EACH(FC_NAME(tanh)(x))
    case FC_SILU: FC_EACH(x * FC_NAME(sigmoid)(x))
    case FC_GELU: FC_EACH(FC_NAME(gelu)(x))
    case FC_HARDSWISH:
        FC_EACH(x * ((x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3) / 6))
    }
#else
    (void)to, (void)from, (void)count, (void)activation, (void)slope; /* integers have none */
#endif
}
#undef FC_EACH
