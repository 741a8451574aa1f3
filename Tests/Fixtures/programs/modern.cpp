// What programs in C++ do: the standard library's own ways to the kernel.
#include <bits/stdc++.h>

int main() {
    std::ios::sync_with_stdio(false);
    std::atomic<int> sum{0};
    std::vector<std::jthread> threads;
    for (int i = 1; i <= 4; i++) threads.emplace_back([&sum, i] { sum += i; });
    threads.clear();
    std::cout << "threads " << sum << std::endl;
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &error) {
        std::cout << "exceptions " << error.what() << std::endl;
    }
    auto future = std::async(std::launch::async, [] { return 6 * 7; });
    std::cout << "async " << future.get() << std::endl;
    namespace fs = std::filesystem;
    std::ofstream("a.txt") << "text";
    fs::create_directories("x/y");
    fs::copy_file("a.txt", "x/y/b.txt");
    std::cout << "files " << fs::file_size("x/y/b.txt") << ' ' << fs::remove_all("x") << std::endl;
    std::random_device device;
    std::cout << "random " << (device() != device() || device() != device()) << std::endl;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::cout << "regex " << std::regex_match("aab", std::regex("a+b")) << std::endl;
    std::map<int, std::string> map;
    for (int i = 0; i < 200000; i++) map[i] = std::string(40, 'x');
    std::cout << "memory " << map.size() << std::endl;
    std::cout << "system " << std::system("exit 0") << std::endl;
}
