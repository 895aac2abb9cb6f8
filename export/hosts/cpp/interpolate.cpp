// New frames between frames: an exported `u8` file and ONNX Runtime's C++ API, nothing else.

#include <onnxruntime_cxx_api.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

constexpr const char* kUsage =
    "takes MODEL FACTOR FRAME0.ppm FRAME1.ppm PREFIX (two pictures) or\n"
    "      MODEL FACTOR WIDTH HEIGHT (rgb24 frames, standard input to standard output); FACTOR from 2 to 999";
constexpr int kLargestFactor = 999;
constexpr int kLargestSide = 32768;

[[noreturn]] void fail(const std::string& sentence) { throw std::runtime_error(sentence); }

// Rows of R, G, B bytes: what a raw rgb24 video has, a PPM, and a tensor (1, height, width, 3).
struct Frame {
    Frame(int width, int height) : width(width), height(height) {
        try {
            rgb.resize(std::size_t{3} * width * height);
        } catch (const std::bad_alloc&) {
            fail("out of memory for frames of " + size());
        }
    }

    std::string size() const { return std::to_string(width) + "x" + std::to_string(height); }
    char* bytes() { return reinterpret_cast<char*>(rgb.data()); }
    const char* bytes() const { return reinterpret_cast<const char*>(rgb.data()); }

    int width, height;
    std::vector<std::uint8_t> rgb;
};

// ---- the model -----------------------------------------------------------------------------------------------------

class Interpolator {
  public:
    explicit Interpolator(const std::string& path) : session_(open(environment_, path)) {
        const std::string contract = metadata("schema") + " " + metadata("layout");
        if (contract != "vfi_flow-1 u8") fail(path + ": not a file that `vfi-flow export --layout u8` wrote");
        size_ = metadata("size");
    }

    // The frame at the place `tau` between two frames: 0 is `frame0`, 1 is `frame1`.
    Frame operator()(const Frame& frame0, const Frame& frame1, float tau) {
        if (frame0.size() != frame1.size() || (size_ != "dynamic" && size_ != frame0.size()))
            fail("the frames are " + frame0.size() + " and " + frame1.size() +
                 ", expected one size (of this model: " + size_ + ")");
        Frame frame(frame0.width, frame0.height);
        const std::int64_t one = 1;
        const std::array<Ort::Value, 3> inputs{tensor(frame0), tensor(frame1),
                                               Ort::Value::CreateTensor<float>(memory_, &tau, 1, &one, 1)};
        Ort::Value output = tensor(frame);  // the new frame is written to its place
        const std::array<const char*, 3> input_names{"frame0", "frame1", "tau"};
        const char* output_name = "frame";
        try {
            session_.Run(Ort::RunOptions{}, input_names.data(), inputs.data(), inputs.size(), &output_name, &output, 1);
        } catch (const Ort::Exception& error) {
            if (std::strstr(error.what(), "alloc") != nullptr) fail("out of memory for frames of " + frame.size());
            throw;
        }
        return frame;
    }

  private:
    // Without this the official builds of ONNX Runtime report over the network that they are used.
    static Ort::Env silent_environment() {
#ifndef _WIN32
        setenv("ORT_DISABLE_TELEMETRY", "1", /*overwrite=*/0);  // it is read when the environment is made
#endif
        Ort::Env environment{ORT_LOGGING_LEVEL_FATAL, "interpolate"};  // errors are exceptions as well
        environment.DisableTelemetryEvents();
        return environment;
    }

    static Ort::Session open(const Ort::Env& environment, const std::string& path) {
        std::error_code error;
        if (!std::filesystem::is_regular_file(path, error)) {
            const bool is_missing = !error || error == std::errc::no_such_file_or_directory;
            fail(path + ": " + (is_missing ? "no such file" : error.message()));
        }
        try {
            const std::filesystem::path native = path;
            return Ort::Session(environment, native.c_str(), Ort::SessionOptions{});
        } catch (const Ort::Exception& error) {
            fail(path + ": cannot be loaded: " + error.what());
        }
    }

    std::string metadata(const char* key) const {
        Ort::AllocatorWithDefaultOptions allocator;
        const Ort::AllocatedStringPtr value = session_.GetModelMetadata().LookupCustomMetadataMapAllocated(key, allocator);
        return value ? value.get() : "";
    }

    // A view of the frame's own bytes. ONNX Runtime takes no pointer to const, but it only reads what is an input.
    Ort::Value tensor(const Frame& frame) const {
        const std::array<std::int64_t, 4> shape{1, frame.height, frame.width, 3};
        auto* bytes = const_cast<std::uint8_t*>(frame.rgb.data());
        return Ort::Value::CreateTensor<std::uint8_t>(memory_, bytes, frame.rgb.size(), shape.data(), shape.size());
    }

    Ort::Env environment_ = silent_environment();
    Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    Ort::Session session_;
    std::string size_;
};

// ---- pictures ------------------------------------------------------------------------------------------------------

// The next number of a PPM header, 0 where there is none. Before it stands white space or, from # on, a line's comment.
int header_number(std::istream& file) {
    if (file.peek() != '#' && !std::isspace(file.peek())) return 0;
    while ((file >> std::ws).peek() == '#') file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    int number = 0;
    file >> number;
    return number;
}

Frame read_ppm(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(path + ": cannot be read");
    std::array<char, 2> magic{};
    file.read(magic.data(), magic.size());
    const int width = header_number(file), height = header_number(file), maximum = header_number(file);
    const bool ends = std::isspace(file.get());  // the header, with one white space
    const bool readable = ends && std::memcmp(magic.data(), "P6", 2) == 0 && maximum == 255 && 0 < width &&
                          width <= kLargestSide && 0 < height && height <= kLargestSide;
    std::error_code unknown;  // the length of a pipe
    const std::uintmax_t length = std::filesystem::file_size(path, unknown);
    if (readable && (unknown || std::uintmax_t{3} * width * height <= length)) {
        Frame frame(width, height);
        if (file.read(frame.bytes(), static_cast<std::streamsize>(frame.rgb.size()))) return frame;
    }
    fail(path + ": not a whole binary PPM (P6) of 8 bits");
}

void write_ppm(const std::string& path, const Frame& frame) {
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << frame.width << " " << frame.height << "\n255\n";
    file.write(frame.bytes(), static_cast<std::streamsize>(frame.rgb.size())).flush();
    if (!file) fail(path + ": cannot be written");
}

void interpolate_pictures(Interpolator& interpolator, int factor, const Frame& frame0, const Frame& frame1,
                          const std::string& prefix) {
    for (int i = 1; i < factor; ++i) {
        std::array<char, 16> name{};
        std::snprintf(name.data(), name.size(), "%03d.ppm", i);
        write_ppm(prefix + name.data(), interpolator(frame0, frame1, static_cast<float>(i) / factor));
    }
}

// ---- raw video -----------------------------------------------------------------------------------------------------

// False at the end of the input.
bool read_raw(std::istream& input, Frame& frame) {
    input.read(frame.bytes(), static_cast<std::streamsize>(frame.rgb.size()));
    if (input.gcount() != 0 && !input) fail("standard input: ends within a frame of " + frame.size());
    return static_cast<bool>(input);
}

void write_raw(std::ostream& output, const Frame& frame) {
    if (!output.write(frame.bytes(), static_cast<std::streamsize>(frame.rgb.size())).flush())
        fail("standard output: cannot be written");
}

// Windows would take a byte 26 for the end and write 13 10 for a byte 10.
void keep_bytes() {
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
}

// `factor` times as many frames. The last one is held, so that the video takes as long as before:
//   in   0       1       2            factor 2
//   out  0  0.5  1  1.5  2  2
void interpolate_stream(Interpolator& interpolator, int factor, int width, int height) {
    keep_bytes();
    Frame frame0(width, height), frame1(width, height);
    if (!read_raw(std::cin, frame0)) fail("standard input: no frame");
    while (read_raw(std::cin, frame1)) {
        write_raw(std::cout, frame0);
        for (int i = 1; i < factor; ++i)
            write_raw(std::cout, interpolator(frame0, frame1, static_cast<float>(i) / factor));
        std::swap(frame0, frame1);
    }
    for (int i = 0; i < factor; ++i) write_raw(std::cout, frame0);
}

// ---- the command line ----------------------------------------------------------------------------------------------

int whole_number(const std::string& word, int smallest, int largest) {
    int number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size() || number < smallest || number > largest)
        fail("'" + word + "' is not a whole number from " + std::to_string(smallest) + " to " + std::to_string(largest));
    return number;
}

void run(const std::vector<std::string>& words) {
    if (words.size() != 4 && words.size() != 5) fail(kUsage);
    if (OrtGetApiBase()->GetApi(ORT_API_VERSION) == nullptr)
        fail(std::string("this library, ONNX Runtime ") + OrtGetApiBase()->GetVersionString() +
             ", is older than the headers that the program was built with");
    const int factor = whole_number(words[1], 2, kLargestFactor);
    if (words.size() == 4) {
        const int width = whole_number(words[2], 1, kLargestSide), height = whole_number(words[3], 1, kLargestSide);
        Interpolator interpolator(words[0]);
        interpolate_stream(interpolator, factor, width, height);
    } else {
        const Frame frame0 = read_ppm(words[2]), frame1 = read_ppm(words[3]);
        Interpolator interpolator(words[0]);
        interpolate_pictures(interpolator, factor, frame0, frame1, words[4]);
    }
}

}  // namespace

int main(int count, char** words) {
    std::ios::sync_with_stdio(false);
    try {
        run({words + 1, words + count});
    } catch (const std::exception& error) {
        std::cerr << words[0] << ": " << error.what() << "\n";
        return 1;
    }
    return 0;
}
