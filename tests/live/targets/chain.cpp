// A chain of C++ functions, whose names are mangled.
namespace box {
template <typename T> struct Holder {
    __attribute__((noipa)) int open(int (*callback)(T), T depth);
};
template <typename T> int Holder<T>::open(int (*callback)(T), T depth)
{
    volatile char room[64];
    room[depth & 63] = 1;
    return callback(depth) + room[0] * 0 + 1;
}
} // namespace box

extern "C" __attribute__((noipa)) int outer_cpp(int (*callback)(int), int depth)
{
    box::Holder<int> holder;
    return holder.open(callback, depth) + 1;
}
