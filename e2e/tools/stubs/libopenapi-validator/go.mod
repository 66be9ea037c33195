module github.com/pb33f/libopenapi-validator

go 1.25.0
