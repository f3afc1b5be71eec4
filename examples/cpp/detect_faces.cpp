// Finds the faces of a photograph and their five landmarks, with ONNX Runtime and OpenCV alone.
//
//     detect_faces MODEL.onnx PHOTOGRAPH [PICTURE]
//
// MODEL.onnx is what `yolo export model=best.pt format=onnx` writes. Prints a row a face, best first: x1 y1 x2 y2 of
// the box, its score, then x y of eye, eye, nose, mouth, mouth, all in pixels of the upright photograph. PICTURE is a
// new file that shows them. What goes wrong is told in one sentence, with exit status 1.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <onnxruntime_cxx_api.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace {

constexpr double least_score = 0.5;    // of a face
constexpr double same_face_iou = 0.5;  // of two boxes, above which the lower one goes
constexpr int open_size = 640;         // longer side of the input, where the model leaves its size open [px]
constexpr int stride = 32;             // its sides are multiples of this [px]
constexpr int grey = 114;              // around the photograph
constexpr int num_landmarks = 5;

struct Face {
    cv::Rect2d box;
    double score;
    std::array<cv::Point2d, num_landmarks> landmarks;
};

[[noreturn]] void fail(const std::string& sentence) { throw std::runtime_error(sentence); }

std::string text_of(const std::vector<std::int64_t>& shape) {
    std::string text;
    for (const auto length : shape) {
        text += (text.empty() ? "(" : ", ") + (length < 0 ? std::string("any") : std::to_string(length));
    }
    return text + ")";
}

// Where the photograph lies in the input of the network: scaled to fit, in the middle of grey.
class Letterbox {
public:
    Letterbox(cv::Size photograph, cv::Size most, bool may_be_smaller) : photograph_(photograph) {
        const double ratio = std::min(double(most.width) / photograph.width, double(most.height) / photograph.height);
        inner_.width = std::max(1, int(std::lrint(photograph.width * ratio)));
        inner_.height = std::max(1, int(std::lrint(photograph.height * ratio)));
        cv::Size padding = most - inner_;
        if (may_be_smaller) {
            padding = {padding.width % stride, padding.height % stride};
        }
        input_ = inner_ + padding;
        // An odd pixel goes to the right and below.
        left_top_ = {padding.width / 2, padding.height / 2};
    }

    cv::Size input() const { return input_; }

    // Red, green and blue of the input, plane after plane, in 0..1.
    std::vector<float> planes(const cv::Mat& photograph) const {
        cv::Mat canvas(input_, CV_8UC3, cv::Scalar::all(grey)), scaled;
        cv::resize(photograph, canvas(cv::Rect(left_top_, inner_)), inner_);
        canvas.convertTo(scaled, CV_32F, 1 / 255.0);
        std::vector<float> values(std::size_t(3) * input_.area());
        std::vector<cv::Mat> blue_green_red;
        for (const int plane : {2, 1, 0}) {
            blue_green_red.emplace_back(input_, CV_32F, &values[std::size_t(plane) * input_.area()]);
        }
        cv::split(scaled, blue_green_red);
        return values;
    }

    // A point of the input, in the photograph.
    cv::Point2d to_photograph(double x, double y) const {
        return {(x - left_top_.x) * photograph_.width / inner_.width,
                (y - left_top_.y) * photograph_.height / inner_.height};
    }

private:
    cv::Size photograph_, inner_, input_;
    cv::Point left_top_;
};

// Before anything is computed, and nothing of the user's is overwritten.
void check_new_picture(const std::string& file) {
    if (std::filesystem::exists(file)) {
        fail(file + ": expected the name of a new picture, got a file that exists; choose another name");
    }
    if (!cv::haveImageWriter(file)) {
        fail(file + ": expected the name of a picture that OpenCV writes; end it in .jpg or .png");
    }
}

cv::Mat read_photograph(const std::string& file) {
    if (!std::filesystem::is_regular_file(file)) {
        fail(file + ": expected a photograph, got no file; check the path");
    }
    cv::Mat photograph = cv::imread(file, cv::IMREAD_COLOR);  // turned upright as EXIF says
    if (photograph.empty()) {
        fail(file + ": expected a photograph, got a file that OpenCV cannot read; save it as JPEG or PNG");
    }
    return photograph;
}

Ort::Session open_model(Ort::Env& environment, const std::string& file) {
    if (!std::filesystem::is_regular_file(file)) {
        fail(file + ": expected an ONNX model, got no file; check the path");
    }
    try {
        return Ort::Session(environment, std::filesystem::path(file).c_str(), Ort::SessionOptions());
    } catch (const Ort::Exception& error) {
        fail(file + ": expected an ONNX model, got another file (" + error.what() +
             "); make one with `yolo export format=onnx`");
    }
}

// The size of the model's input [px]; without area where the model leaves it open.
cv::Size input_size(const Ort::Session& session, const std::string& file) {
    const auto type = session.GetInputTypeInfo(0);
    const auto input = type.GetTensorTypeAndShapeInfo();
    const auto shape = input.GetShape();
    const bool is_image = shape.size() == 4 && (shape[0] == 1 || shape[0] == -1) && shape[1] == 3;
    if (!is_image || input.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
        fail(file + ": expected a model of one image (1, 3, height, width) of float32, got the input " +
             text_of(shape) + "; export it with batch=1 and without half=True");
    }
    return shape[2] > 0 && shape[3] > 0 ? cv::Size(int(shape[3]), int(shape[2])) : cv::Size();
}

// Faces of the photograph from the output (1, rows, N) of the network: a column a box, its rows as
// docs/onnx-decoding.md has them. Only what is sure enough, and not yet suppressed.
std::vector<Face> decode(const Ort::Value& output, const Letterbox& letterbox, const std::string& file) {
    const auto shape = output.GetTensorTypeAndShapeInfo().GetShape();
    constexpr int with_visibility = 5 + 3 * num_landmarks, without_visibility = 5 + 2 * num_landmarks;
    if (shape.size() != 3 || (shape[1] != with_visibility && shape[1] != without_visibility)) {
        fail(file + ": expected a face model with the output (1, 20, N) or (1, 15, N), got " + text_of(shape) +
             "; export one without nms=True");
    }
    const int step = shape[1] == with_visibility ? 3 : 2;
    const float* values = output.GetTensorData<float>();
    std::vector<Face> faces;
    for (std::int64_t column = 0; column < shape[2]; ++column) {
        const auto row = [&](int number) { return double(values[number * shape[2] + column]); };
        if (row(4) > least_score) {
            const double half_width = row(2) / 2, half_height = row(3) / 2;
            Face face;
            face.box = cv::Rect2d(letterbox.to_photograph(row(0) - half_width, row(1) - half_height),
                                  letterbox.to_photograph(row(0) + half_width, row(1) + half_height));
            face.score = row(4);
            for (int point = 0; point < num_landmarks; ++point) {
                face.landmarks[point] = letterbox.to_photograph(row(5 + step * point), row(6 + step * point));
            }
            faces.push_back(face);
        }
    }
    return faces;
}

double iou(const cv::Rect2d& one, const cv::Rect2d& other) {
    const double both = (one & other).area();
    return both / (one.area() + other.area() - both);
}

// Of boxes on the same face the best stays; best first.
std::vector<Face> suppress(std::vector<Face> faces) {
    std::stable_sort(faces.begin(), faces.end(), [](const Face& a, const Face& b) { return a.score > b.score; });
    std::vector<Face> kept;
    for (const Face& face : faces) {
        const auto is_same = [&](const Face& better) { return iou(better.box, face.box) > same_face_iou; };
        if (std::none_of(kept.begin(), kept.end(), is_same)) {
            kept.push_back(face);
        }
    }
    return kept;
}

// The same face with every corner and landmark inside the photograph.
Face clipped(Face face, cv::Size photograph) {
    const auto inside = [&](const cv::Point2d& point) {
        return cv::Point2d(std::clamp(point.x, 0.0, double(photograph.width)),
                           std::clamp(point.y, 0.0, double(photograph.height)));
    };
    face.box = cv::Rect2d(inside(face.box.tl()), inside(face.box.br()));
    for (auto& point : face.landmarks) {
        point = inside(point);
    }
    return face;
}

std::vector<Face> detect(Ort::Session& session, const cv::Mat& photograph, const std::string& file) {
    const cv::Size fixed = input_size(session, file);
    const bool is_open = fixed.area() == 0;
    const Letterbox letterbox(photograph.size(), is_open ? cv::Size(open_size, open_size) : fixed, is_open);

    std::vector<float> values = letterbox.planes(photograph);
    const std::array<std::int64_t, 4> shape{1, 3, letterbox.input().height, letterbox.input().width};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const auto input =
        Ort::Value::CreateTensor<float>(memory, values.data(), values.size(), shape.data(), shape.size());
    Ort::AllocatorWithDefaultOptions allocator;
    const auto input_name = session.GetInputNameAllocated(0, allocator);
    const auto output_name = session.GetOutputNameAllocated(0, allocator);
    const char *input_names[] = {input_name.get()}, *output_names[] = {output_name.get()};
    const auto outputs = session.Run(Ort::RunOptions(), input_names, &input, 1, output_names, 1);

    std::vector<Face> faces = suppress(decode(outputs.front(), letterbox, file));
    for (Face& face : faces) {
        face = clipped(face, photograph.size());
    }
    return faces;
}

void print(const std::vector<Face>& faces) {
    for (const Face& face : faces) {
        std::printf("%.2f %.2f %.2f %.2f %.4f", face.box.x, face.box.y, face.box.br().x, face.box.br().y, face.score);
        for (const auto& point : face.landmarks) {
            std::printf(" %.2f %.2f", point.x, point.y);
        }
        std::printf("\n");
    }
}

void draw(cv::Mat photograph, const std::vector<Face>& faces, const std::string& file) {
    const int thickness = std::max(1, std::max(photograph.cols, photograph.rows) / 400);
    for (const Face& face : faces) {
        cv::rectangle(photograph, face.box, cv::Scalar(0, 200, 0), thickness, cv::LINE_AA);
        for (const auto& point : face.landmarks) {
            cv::circle(photograph, point, thickness, cv::Scalar(0, 200, 255), cv::FILLED, cv::LINE_AA);
        }
    }
    if (!cv::imwrite(file, photograph)) {
        fail(file + ": the picture cannot be written; choose a folder that exists and takes files");
    }
}

}  // namespace

int main(int count, char** words) try {
    if (count != 3 && count != 4) {
        const bool is_asked = count == 2 && std::string(words[1]) == "--help";
        (is_asked ? std::cout : std::cerr) << "usage: detect_faces MODEL.onnx PHOTOGRAPH [PICTURE]\n";
        return is_asked ? 0 : 2;
    }
    const std::string model = words[1], file = words[2], picture = count == 4 ? words[3] : "";
    if (!picture.empty()) {
        check_new_picture(picture);
    }
    const cv::Mat photograph = read_photograph(file);
    Ort::Env environment(ORT_LOGGING_LEVEL_ERROR);
    Ort::Session session = open_model(environment, model);
    const std::vector<Face> faces = detect(session, photograph, model);
    print(faces);
    if (!picture.empty()) {
        draw(photograph, faces, picture);
    }
    return 0;
} catch (const std::exception& error) {
    std::cerr << "detect_faces: " << error.what() << '\n';
    return 1;
}
