// What takes several kernels in torch, in one. Compiled by NVRTC with T, the type of the language model, set to one of
// float_t, bf16_t, half_t; no header is needed. Every kernel is launched on the stream it is to run on, and allocates
// nothing, so that CUDA graphs can hold it.

typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;

struct bf16_t { u16 bits; };
struct half_t { u16 bits; };
struct float_t { float value; };

__device__ __forceinline__ float load(const float_t &x) { return x.value; }
__device__ __forceinline__ float load(const bf16_t &x) { return __int_as_float((u32)x.bits << 16); }
__device__ __forceinline__ float load(const half_t &x) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(x.bits));
    return value;
}
__device__ __forceinline__ void store(float_t &x, float value) { x.value = value; }
__device__ __forceinline__ void store(bf16_t &x, float value) { // to the nearest, ties to even, as torch rounds
    u32 bits = __float_as_int(value);
    x.bits = value != value ? 0x7FC0 : (u16)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}
__device__ __forceinline__ void store(half_t &x, float value) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(x.bits) : "f"(value));
}

__device__ __forceinline__ float rounded(float value) { // as torch rounds between two operations
    T narrow;
    store(narrow, value);
    return load(narrow);
}

// silu(first half) * second half of each row. Grid: (blocks over width, rows).
extern "C" __global__ void silu_mul(const T *x, T *out, int width) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const T *row = x + (i64)blockIdx.y * 2 * width;
    float gate = load(row[column]);
    float silu = rounded(gate / (1.0f + expf(-gate)));
    store(out[(i64)blockIdx.y * width + column], silu * load(row[width + column]));
}

// x + table[index]. Grid: (blocks over width, rows).
extern "C" __global__ void add_row(const T *x, const T *table, const i64 *index, T *out, int width) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    i64 at = (i64)blockIdx.y * width + column;
    store(out[at], load(x[at]) + load(table[index[blockIdx.y] * width + column]));
}

// Several numbers in one access of 16 bytes.
struct __align__(16) Pack { T at[16 / sizeof(T)]; };
const int PACK = 16 / sizeof(T);

const int QUARTER = HEAD / 4;

__device__ __forceinline__ void read_quarter(const T *from, float *numbers) {
    if (QUARTER % PACK == 0) {
#pragma unroll
        for (int i = 0; i < QUARTER / PACK; i++) {
            Pack pack = ((const Pack *)from)[i];
#pragma unroll
            for (int j = 0; j < PACK; j++) numbers[i * PACK + j] = load(pack.at[j]);
        }
    } else {
#pragma unroll
        for (int i = 0; i < QUARTER; i++) numbers[i] = load(from[i]);
    }
}

// Attention of the last of `keys` queries, at most 32, over all keys. past: (keys, rows, 3, heads, HEAD). Four threads
// for each key hold a quarter each of it and of its value, so that nothing waits for a second read.
// Grid: (heads, rows), 128 threads.
extern "C" __global__ void attend(const T *past, T *out, int keys, int rows, int heads) {
    __shared__ float scores[32];
    __shared__ float sums[4][HEAD];
    int key = threadIdx.x >> 2, part = threadIdx.x & 3, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 third = (i64)heads * HEAD, step = 3 * third * rows;
    const T *first = past + 3 * third * blockIdx.y + (i64)blockIdx.x * HEAD + part * QUARTER;
    float query[QUARTER], own[QUARTER], value[QUARTER], score = 0.0f;
    bool heard = key < keys;
    if (heard) {
        read_quarter(first + step * (keys - 1), query);
        read_quarter(first + step * key + third, own);
        read_quarter(first + step * key + 2 * third, value);
#pragma unroll
        for (int i = 0; i < QUARTER; i++) score += query[i] * own[i];
    }
    score += __shfl_xor_sync(~0u, score, 1);
    score += __shfl_xor_sync(~0u, score, 2);
    if (part == 0) scores[key] = heard ? score * rsqrtf((float)HEAD) : -INFINITY_F;
    __syncthreads();
    float most = scores[lane];
    for (int far = 16; far; far >>= 1) most = fmaxf(most, __shfl_xor_sync(~0u, most, far));
    float total = expf(scores[lane] - most);
    for (int far = 16; far; far >>= 1) total += __shfl_xor_sync(~0u, total, far);
    float weight = expf(scores[key] - most) / total;
#pragma unroll
    for (int i = 0; i < QUARTER; i++) {
        float sum = heard ? weight * value[i] : 0.0f;
        for (int far = 4; far < 32; far <<= 1) sum += __shfl_xor_sync(~0u, sum, far);
        if (lane < 4) sums[warp][part * QUARTER + i] = sum;
    }
    __syncthreads();
    T *result = out + ((i64)blockIdx.y * heads + blockIdx.x) * HEAD;
    for (int i = threadIdx.x; i < HEAD; i += 128) store(result[i], sums[0][i] + sums[1][i] + sums[2][i] + sums[3][i]);
}

// x * alpha / root of the mean square, each row. Grid: (rows), NORM_THREADS threads; width: a multiple of PACK.
extern "C" __global__ void rms_norm(const T *x, const T *alpha, T *out, int width, float eps) {
    __shared__ float sums[NORM_THREADS / 32];
    const Pack *row = (const Pack *)(x + (i64)blockIdx.x * width), *scale = (const Pack *)alpha;
    Pack *result = (Pack *)(out + (i64)blockIdx.x * width);
    float sum = 0.0f;
    for (int i = threadIdx.x; i < width / PACK; i += NORM_THREADS) {
        Pack numbers = row[i];
#pragma unroll
        for (int j = 0; j < PACK; j++) sum += load(numbers.at[j]) * load(numbers.at[j]);
    }
    for (int far = 16; far; far >>= 1) sum += __shfl_xor_sync(~0u, sum, far);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    sum = 0.0f;
#pragma unroll
    for (int warp = 0; warp < NORM_THREADS / 32; warp++) sum += sums[warp];
    float shrink = rsqrtf(sum / width + eps);
    for (int i = threadIdx.x; i < width / PACK; i += NORM_THREADS) {
        Pack numbers = row[i], factors = scale[i];
#pragma unroll
        for (int j = 0; j < PACK; j++) store(numbers.at[j], load(numbers.at[j]) * shrink * load(factors.at[j]));
        result[i] = numbers;
    }
}

__device__ __forceinline__ u32 hash32(u32 x) { // as sampling.py
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

__device__ __forceinline__ u32 ordered(float value) { // the order of floats as that of unsigned numbers; NaN last
    u32 bits = __float_as_int(value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ int block_sum(int mine, int *shared) {
    mine = __reduce_add_sync(~0u, mine);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) shared[threadIdx.x >> 5] = mine;
    __syncthreads();
    int sum = 0;
    for (int warp = 0; warp < DRAW_THREADS / 32; warp++) sum += shared[warp];
    return sum;
}

// One draw a row, as sampling.Odds: the highest of logits / temperature + noise among the top_k. control: rows of
// `slots` numbers, see Control. Grid: (rows), DRAW_THREADS threads; dynamic shared memory: card numbers of 4 bytes.
extern "C" __global__ void draw(const T *logits, const i64 *control, i64 slots, i64 *out, int card, int stream,
                                int most) {
    extern __shared__ u32 keys[];
    __shared__ int counts[DRAW_THREADS / 32];
    __shared__ float bests[DRAW_THREADS / 32];
    __shared__ int winners[DRAW_THREADS / 32];
    int row = blockIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const T *own = logits + (i64)row * card;
    float temperature = (float)__longlong_as_double(control[TEMPERATURE * slots + row]);
    bool greedy = !(temperature > 0.0f);
    i64 wanted = control[TOP_K * slots + row];
    int k = (int)(wanted < 1 ? 1 : wanted > most ? most : wanted);
    for (int i = threadIdx.x; i < card; i += DRAW_THREADS) keys[i] = ordered(load(own[i]));
    __syncthreads();
    // The k-th largest, bit by bit from the top: the largest key that at least k keys reach. Below the precision of T
    // all bits of positive numbers are 0 and of negative ones 1, so fewer rounds than 32 tell bfloat16 apart.
    u32 least = 0;
    if (!greedy) {
        for (int bit = 31; bit >= LOWEST_BIT; bit--) {
            u32 tried = least | (1u << bit);
            int reached = 0;
            for (int i = threadIdx.x; i < card; i += DRAW_THREADS) reached += keys[i] >= tried;
            if (block_sum(reached, counts) >= k) least = tried;
        }
    }
    float sharpness = greedy ? 1.0f : 1.0f / fmaxf(temperature, 1e-6f);
    u32 base = hash32((u32)control[SEED * slots + row] * 0x9E3779B1u + (u32)control[STEP * slots + row] * 0x85EBCA77u +
                      (u32)stream * 0xC2B2AE3Du);
    float best = -INFINITY_F;
    int winner = 0;
    for (int i = threadIdx.x; i < card; i += DRAW_THREADS) {
        if (keys[i] < least) continue;
        float noise = 0.0f;
        if (!greedy) {
            u32 bits = hash32(base + hash32((u32)i) * 0x27D4EB2Fu);
            noise = -logf(-logf(((float)(bits >> 8) + 0.5f) * 5.9604644775390625e-8f));
        }
        float score = load(own[i]) * sharpness + noise;
        if (score > best) { best = score; winner = i; }
    }
    for (int far = 16; far; far >>= 1) {
        float other = __shfl_xor_sync(~0u, best, far);
        int its = __shfl_xor_sync(~0u, winner, far);
        if (other > best || (other == best && its < winner)) { best = other; winner = its; }
    }
    if (lane == 0) { bests[warp] = best; winners[warp] = winner; }
    __syncthreads();
    if (threadIdx.x) return;
    for (int i = 1; i < DRAW_THREADS / 32; i++)
        if (bests[i] > best || (bests[i] == best && winners[i] < winner)) { best = bests[i]; winner = winners[i]; }
    out[row] = winner;
}
